"""A processing job on several machines, as SageMaker runs one: equal inputs, outputs under one address."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from boomerang.contract import ROOT_ENV, Job
from helpers.ranges import ROOT


def machine(root: Path, inputs: Path, index: int, count: int) -> Job:
    """Lay out the disk of one machine; `inputs` holds one folder an input."""
    given = root / "processing" / "input"
    given.mkdir(parents=True)
    for folder in inputs.iterdir():
        (given / folder.name).symlink_to(folder)
    names = [f"algo-{number}" for number in range(1, count + 1)]
    (root / "config").mkdir()
    resources = {"current_host": names[index], "hosts": names}
    (root / "config" / "resourceconfig.json").write_text(json.dumps(resources))
    return Job(root)


def run_module(job: Job, module: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the process that it is."""
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=os.environ | {ROOT_ENV: str(job.root), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )


def started(module: str) -> Callable[[Job], None]:
    """Return a step that runs as a process and must end well."""

    def run(job: Job) -> None:
        done = run_module(job, module)
        assert done.returncode == 0, done.stderr

    return run


def make_parts(
    folder: Path,
    inputs: Path,
    count: int,
    step: Callable[[Job], None],
    last: Callable[[Job], None] | None = None,
) -> Path:
    """Run a step's parts on each of several machines and return the folder that all parts lie in.

    `last` is what the last machine runs, if that is another process: each takes seconds to start.
    """
    together = folder / "parts"
    for index in range(count):
        job = machine(folder / f"machine-{index + 1}", inputs, index, count)
        (last or step if index == count - 1 else step)(job)
        shutil.copytree(job.output("parts"), together, dirs_exist_ok=True)
    return together


def merge(root: Path, inputs: Path, parts: Path | None, step: Callable[[Job], None]) -> Path:
    """Run the step itself on one machine, with the parts or without; return its outputs."""
    job = machine(root, inputs, 0, 1)
    if parts is not None:
        (root / "processing" / "input" / "parts").symlink_to(parts)
    step(job)
    return root / "processing" / "output"


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
