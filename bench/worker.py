"""One contender: its clock and its memory, in a process of its own.

The harness starts `python -m bench.worker` once a contender, which prepares and then runs whenever it is told
to. So one contender's memory, caches and threads are no other's, and they can take turns all the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench.contest import Contender, Facts, Setting

_MB = 1e6


class Course:
    """A contender that was prepared, and what its runs took."""

    def __init__(self, contender: Contender, setting: Setting) -> None:
        self.name = contender.name
        self.task = contender.prepare(setting)
        self.cpu_s: list[float] = []
        self.seconds: list[float] = []
        self.memory_mb: float | None = None
        self.ran = False
        self.facts: Facts = {}

    def run(self, *, timed: bool) -> None:
        """Run once; the first run is the one whose memory is taken."""
        self.task.before()
        before = None if self.ran else resident()
        cpu, clock = cpu_seconds(), time.perf_counter()
        result = self.task.run()
        took = cpu_seconds() - cpu, time.perf_counter() - clock
        held = peak()
        self.facts = self.task.facts(result)
        told = {
            name: self.facts.pop(name, mine) for name, mine in zip(("cpu_s", "seconds"), took, strict=True)
        }
        if before is not None:
            self.memory_mb = self.facts.get("memory_mb", rounded((held - before) / _MB))
        self.facts.pop("memory_mb", None)
        self.ran = True
        if timed:
            self.cpu_s.append(told["cpu_s"])
            self.seconds.append(told["seconds"])

    @property
    def told(self) -> Facts:
        """What was measured.

        Returns
        -------
        dict
            `cpu_s` and `seconds`, each with median, least, most and runs; `memory_mb`, the peak above what
            the process held before the first run, None where that says nothing; `facts` of the last.
        """
        return {
            "cpu_s": spread(self.cpu_s),
            "seconds": spread(self.seconds),
            "memory_mb": self.memory_mb,
            "facts": self.facts,
        }


def spread(numbers: list[float]) -> Facts:
    """Return median, least and most of some numbers, and how many they are."""
    middle = statistics.median(numbers)
    return {
        "median": rounded(middle),
        "least": rounded(min(numbers)),
        "most": rounded(max(numbers)),
        "runs": len(numbers),
    }


def rounded(number: float) -> float:
    """Return a number with four figures: more are noise.

    >>> rounded(123456.0), rounded(0.0123456)
    (123500.0, 0.01235)
    """
    return float(f"{number:.4g}")


def cpu_seconds() -> float:
    """Return the CPU time of this process so far, its threads' and its children's too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def resident() -> int:
    """Return the bytes that the process holds, and count its peak from here on."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what was given back counts as given back
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """Return the most bytes that the process held since `resident`."""
    return _status("VmHWM")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kilobytes) * 1024


def main() -> None:
    """Prepare the contender that the arguments name, and run when a line says so."""
    from bench.rows import ROWS

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    name, number, setting = json.loads(sys.argv[1])
    scratch, kept = Path(setting.pop("scratch")), Path(setting.pop("kept"))
    course = Course(ROWS[name].contenders[number], Setting(scratch=scratch, kept=kept, **setting))

    def answer(told: Any) -> None:
        print(json.dumps(told), file=answers, flush=True)

    answer("ready")
    for line in sys.stdin:
        course.run(timed=line.strip() == "timed")
        answer("done" if line.strip() != "timed" else course.told)


if __name__ == "__main__":
    main()
