"""The contenders of a row, each in a process of its own, in turn: A B A B."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from bench.contest import ROOT, Contender, Facts, Row, Setting
from bench.machine import busy_seconds, machine, versions
from bench.results import Result
from bench.worker import Course, rounded
from boomerang.errors import StepFailed, UsageError

KEPT = ROOT / "build" / "bench"


class _Runner(Protocol):
    """A contender that can be told to run."""

    def run(self, *, timed: bool) -> None: ...

    @property
    def told(self) -> Facts: ...


@dataclass(frozen=True)
class Options:
    """How a row is measured.

    Attributes
    ----------
    quick : bool
        Tiny sizes, one run.
    inline : bool
        All in this process. For tests: the memory is then nobody's own.
    seed : int
    """

    quick: bool = False
    inline: bool = False
    seed: int = 0


def measure(row: Row, options: Options) -> Result:
    """Let the contenders of a row take turns and return what came out.

    Raises
    ------
    UsageError
        If the machine lacks what the row needs.
    StepFailed
        If a contender fails, or two whose results must be equal differ.
    """
    with tempfile.TemporaryDirectory(prefix="boomerang-bench-") as scratch:
        kept = Path(scratch) if options.quick else KEPT
        setting = Setting(options.quick, options.seed, Path(scratch), kept)
        if why := row.lacks(setting):
            raise UsageError(f"cannot measure {row.name}", why, "see bench/rows")
        clock, busy = time.perf_counter(), busy_seconds()
        measured = _in_turn(row, setting, options)
        seconds, cpu = time.perf_counter() - clock, busy_seconds() - busy
    _check_same(row, measured)
    loaded = cpu / (seconds * (os.cpu_count() or 1))
    return Result.of(
        row, measured, options.seed, machine() | {"busy": rounded(min(1.0, loaded))}, _packages(row)
    )


def _in_turn(row: Row, setting: Setting, options: Options) -> dict[str, Facts]:
    turns = [True] if options.quick else [False] * row.warm + [True] * row.runs
    with ExitStack() as stack:
        runners: list[_Runner] = []
        for number, contender in enumerate(row.contenders):
            if options.inline:
                runners.append(Course(contender, setting))
            else:
                runners.append(stack.enter_context(_Process(row, number, setting)))
        for timed in turns:
            for runner in runners:
                runner.run(timed=timed)
        return {each.name: runner.told for each, runner in zip(row.contenders, runners, strict=True)}


class _Process:
    """A contender in a process of its own; see `bench.worker`."""

    def __init__(self, row: Row, number: int, setting: Setting) -> None:
        self.row, self.contender = row, row.contenders[number]
        told = json.dumps([row.name, number, setting.__dict__], default=str)
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  it lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", told],
            cwd=ROOT,
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.told: Facts = {}

    def __enter__(self) -> _Process:
        try:
            self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:  # which closes what it is told by, and it ends
            if self.process.poll() is None and sys.exc_info()[0] is not None:
                self.process.kill()
        self.errors.close()

    def run(self, *, timed: bool) -> None:
        """Have it run once, and wait."""
        assert self.process.stdin is not None
        self.process.stdin.write("timed\n" if timed else "warm\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.told = answer if timed else {}

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            return json.loads(line)
        self.errors.seek(0)
        why = "\n    ".join(["it ended with:", *self.errors.read().splitlines()[-12:]])
        raise StepFailed(f"{self.contender.name} of {self.row.name}", why, "run it again when that is mended")


def _check_same(row: Row, measured: dict[str, Facts]) -> None:
    """Hold what contenders returned against each other; numbers stay out of the result after that."""
    digests = {name: measured[name]["facts"].get("digest") for name in row.same}
    one, *others = digests.values() if digests else [""]
    if one is None or not all(_equal(one, other) for other in others):
        why = ", ".join(f"{name} {digest}" for name, digest in digests.items())
        raise StepFailed(row.name, f"the results are not the same: {why}", "this is a mistake of one of them")
    for name in digests:
        if not isinstance(one, str):
            del measured[name]["facts"]["digest"]


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-3, atol=1e-6)


def _packages(row: Row) -> dict[str, str]:
    names: Sequence[Contender] = row.contenders
    return versions(package for each in names for package in (*each.packages, "numpy"))
