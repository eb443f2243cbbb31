"""What each runner costs beyond the jobs themselves: `python -m bench.overhead` (needs the image).

Runs one small campaign entry as processes and in containers, and prints for every job the seconds that
its step took and the seconds that its own process or container ran; the difference is the runner's.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.runs.records import StepRecord, load_execution

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ["--set", "data.source=digits", "--set", "data.validation=100", "--set", "pictures=[]"]
CONFIG += [
    "--set",
    'attacks=[{kind="label_flip_random", rate=0.1}]',
    "--set",
    "canaries.candidates_per_class=5",
]


def main() -> None:
    """Run both and print the table."""
    with tempfile.TemporaryDirectory(prefix="boomerang-overhead-") as folder:
        for on in ("process", "local"):
            steps = jobs(on, Path(folder) / on)
            over = [step.seconds - step.job_seconds for step in steps]
            print(f"--on {on}: median {statistics.median(over):.2f} s a step, most {max(over):.2f} s")
            for step, seconds in zip(steps, over, strict=True):
                told = f"{step.seconds:6.2f} s, the job {step.job_seconds:6.2f} s"
                print(f"  {step.name:14} {told}: {seconds:.2f} s")


def jobs(on: str, out: Path) -> list[StepRecord]:
    """Return the records of the jobs of a run that took nothing from a cache."""
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "run",
        "--on",
        on,
        "--out",
        str(out),
        "--id",
        "run",
        *CONFIG,
    ]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    return [step for step in load_execution(out / "run").steps if step.job_seconds]


if __name__ == "__main__":
    main()
