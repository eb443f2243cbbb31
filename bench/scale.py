"""What ten times the rows cost the whole pipeline, step by step.

    python -m bench.scale [--rows 10000 100000] [--out runs/scale] [--json FILE] [--set KEY=VALUE ...]

Runs the default entry on so many drawn training pictures, and a tenth as many to test on, with one epoch a
training, and prints for each step what its process took: CPU-seconds, and the most memory it held at once, of
that what is its own (anonymous) and not the pages of mapped files. Interrupted, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contest import ROOT
from bench.staging import command
from boomerang.errors import BoomerangError
from boomerang.safeio import write_json_atomic
from pipelines.runs.records import load_execution

# What is measured of a whole run beyond its jobs: digests, links, records, the report.
RUNNER = "the runner"
_TESTED = 10  # training rows a test row
_POLL_S = 0.5
_MB = 1 << 20

Step = dict[str, float]


def main() -> None:
    """Measure each number of rows and print the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--out", type=Path, default=Path("runs/scale"))
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    options = parser.parse_args()
    found = measure(options.rows, options.out, options.overrides)
    if options.json:
        write_json_atomic(options.json, found)
    print(table(found))


def measure(rows: Sequence[int], out: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return what each step took at each number of rows, and the ratio of each to the one before.

    Returns
    -------
    dict
        Plain JSON: `rows`; `steps`, by the number of rows and the step's name `cpu_seconds`, `seconds`,
        `peak_bytes` and `anonymous_bytes`; `ratios`, of the CPU-seconds, by the larger number of rows.
    """
    steps = {str(count): staged(count, out, overrides) for count in rows}
    ratios = {}
    for before, after in zip(map(str, rows), map(str, rows[1:]), strict=False):
        ratios[after] = {
            name: round(took["cpu_seconds"] / steps[before][name]["cpu_seconds"], 2)
            for name, took in steps[after].items()
            if steps[before].get(name, {}).get("cpu_seconds")
        }
    return {"rows": list(rows), "steps": steps, "ratios": ratios}


def staged(rows: int, out: Path, overrides: Sequence[str] = ()) -> dict[str, Step]:
    """Return what each step took of a run on so many rows, staging what of it has not been measured yet."""
    run, file = out / f"rows-{rows}", out / f"rows-{rows}.json"
    known: dict[str, Step] = json.loads(file.read_text()) if file.exists() else {}
    if RUNNER in known:
        return known
    _note(known, run, {})  # of a try that was killed
    out.mkdir(parents=True, exist_ok=True)
    write_json_atomic(file, known)
    try:
        known |= _run(run, _settings(rows) + list(overrides), known)
    finally:
        write_json_atomic(file, known)
    return known


def _settings(rows: int) -> list[str]:
    return [f"data.train={rows}", f"data.test={rows // _TESTED}", "train.epochs=1", "victim.epochs=1"]


def _run(run: Path, settings: Sequence[str], known: dict[str, Step]) -> dict[str, Step]:
    """Run the pipeline to its end, note in `known` what its jobs took, and return what the runner took."""
    words = command(run.parent, run.name, settings)
    with subprocess.Popen(words, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        with _watching(run.resolve(), process.pid) as seen:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        jobs = _note(known, run, seen.anonymous)
    if process.returncode not in (0, 1):
        sys.exit(process.returncode)
    rest = used.ru_utime + used.ru_stime - jobs
    return {RUNNER: {"cpu_seconds": round(rest, 2), "peak_bytes": seen.runner}}


def _note(known: dict[str, Step], run: Path, anonymous: Mapping[str, int]) -> float:
    """Note what the jobs of a run took, but for those from the cache, and return the CPU-seconds of all."""
    try:
        records = [step for step in load_execution(run).steps if step.cpu_seconds and not step.cached]
    except BoomerangError:
        return 0.0
    for step in records:
        known[step.name] = {
            "cpu_seconds": step.cpu_seconds,
            "seconds": step.job_seconds,
            "peak_bytes": step.peak_bytes,
            "anonymous_bytes": anonymous.get(step.name, 0),
        }
    return sum(step.cpu_seconds for step in records)


@dataclass
class _Seen:
    """The most memory seen: of its own of each step's processes, and all of the runner."""

    anonymous: dict[str, int] = field(default_factory=dict)
    runner: int = 0


@contextmanager
def _watching(run: Path, runner: int) -> Iterator[_Seen]:
    """Look at the memory of a run's processes while the block runs; a job is known by its folder."""
    seen, done = _Seen(), threading.Event()

    def look() -> None:
        while not done.wait(_POLL_S):
            seen.runner = max(seen.runner, _memory(Path(f"/proc/{runner}"), "VmHWM"))
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, ValueError):
                    step = (process / "cwd").readlink().relative_to(run / "jobs").parts[0]
                    held = _memory(process, "RssAnon")
                    seen.anonymous[step] = max(seen.anonymous.get(step, 0), held)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _memory(process: Path, name: str) -> int:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", (process / "status").read_text(), re.M)
    except OSError:  # it has ended
        return 0
    return int(found[1]) * 1024 if found else 0


def table(found: Mapping[str, Any]) -> str:
    """Return the numbers as a Markdown table: a row a step."""
    rows = [str(count) for count in found["rows"]]
    head = " | ".join(f"{int(count):,} rows: CPU-s | MB (own)" for count in rows)
    lines = [f"| step | {head} | ratio |", "| --- |" + " --- |" * (2 * len(rows) + 1)]
    for name in found["steps"][rows[-1]]:
        cells = [cell for count in rows for cell in _cells(found["steps"][count].get(name))]
        ratios = " · ".join(f"{found['ratios'][count].get(name, '–')}" for count in rows[1:])
        lines.append(f"| {name} | {' | '.join(cells)} | {ratios} |")
    return "\n".join(lines)


def _cells(took: Step | None) -> tuple[str, str]:
    if took is None:
        return "–", "–"
    own = took.get("anonymous_bytes")
    beside = f" ({own / _MB:.0f})" if own else ""
    return f"{took['cpu_seconds']:.1f}", f"{took['peak_bytes'] / _MB:.0f}{beside}"


if __name__ == "__main__":
    main()
