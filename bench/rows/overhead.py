"""What each runner costs a step beyond the step's own process or container."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.contest import Contender, Facts, Goal, Measured, Row, Setting, Task, source
from bench.staging import command, stage
from bench.worker import rounded

SMALL = [
    "data.source=digits",
    "data.train=0",
    "data.test=0",
    "data.validation=100",
    "pictures=[]",
    "canaries.candidates_per_class=5",
]
SMALL += ['attacks=[{kind="label_flip_random", rate=0.1}]']


def staged(on: str, out: Path) -> Path:
    stage(command(out, "run", SMALL, on=on))
    return out / "run"


def beyond(run: Path) -> Facts:
    """Return median and most seconds a step beyond its job, of the steps that ran."""
    from pipelines.runs.records import load_execution

    steps = [step.seconds - step.job_seconds for step in load_execution(run).steps if step.job_seconds]
    return {"steps": len(steps), "median_s": rounded(statistics.median(steps)), "most_s": rounded(max(steps))}


def _on(name: str) -> Callable[[Setting], Task]:
    return lambda setting: Task(
        lambda: staged(name, setting.scratch / name), lambda run: beyond(run) | {"memory_mb": None}
    )


def _lacks(setting: Setting) -> str:
    command = ["docker", "image", "inspect", "boomerang:cpu"]
    if shutil.which("docker") and not subprocess.run(command, capture_output=True, check=False).returncode:
        return ""
    return "there is no image boomerang:cpu, or no Docker: make image"


def _median(name: str) -> Callable[[Measured], float]:
    return lambda measured: float(measured[name]["facts"]["median_s"])


ROWS = (
    Row(
        name="overhead",
        operation="a small campaign on both runners: what a step takes beyond its own process or container",
        contenders=(
            Contender("process", source(staged), _on("process")),
            Contender("local", source(staged), _on("local")),
        ),
        goals=(
            Goal("seconds a step on processes", _median("process"), most=0.2, unit="s"),
            Goal("seconds a step in containers", _median("local"), most=2, unit="s"),
        ),
        runs=1,
        warm=False,
        lacks=_lacks,
        notes="CPU-seconds and seconds are of the whole run; what containers use is not among the first. A "
        "container imports TensorFlow anew, which the runner of processes does once.",
        cpu_s=150,
    ),
)
