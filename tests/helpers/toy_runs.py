"""Runs of the toy pipeline: once, again and again in one workspace, or in a process that is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers import toy_pipeline as toy
from helpers.interrupts import heard
from helpers.ranges import ROOT
from pipelines.runners.process.explain import CacheWord, explain_cache
from pipelines.runners.process.runner import execute
from pipelines.runs.records import Event, Execution

# Runs a definition, or the whole toy pipeline, in the test's own workspace.
Execute = Callable[..., Execution]


def runner(folder: Path) -> Execute:
    """Return what runs a definition on the toy project of a folder; `jobs` replaces bodies of jobs."""

    def start(
        definition: Mapping[str, Any] | None = None,
        *,
        run_id: str = "run",
        staged: Mapping[str, Path | bytes] = toy.STAGED,
        jobs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Execution:
        project = toy.project(folder / "project", **(jobs or {}))
        places = {"workspace": folder / "runs", "project": project}
        warm = options.pop("warm", False)
        return execute(definition or toy.definition(), staged, run_id=run_id, warm=warm, **places, **options)

    return start


def statuses(execution: Execution) -> dict[str, str]:
    return {record.name: record.status for record in execution.steps}


def cached(execution: Execution) -> list[str]:
    return [record.name for record in execution.steps if record.cached]


class Bench:
    """The toy pipeline without its gate, run again and again in one workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = toy.project(folder / "project")
        self.staged: Mapping[str, Path | bytes] = toy.STAGED
        self.runs = 0

    def steps(self) -> tuple[dict[str, Any], ...]:
        return toy.make(arguments=["--word", toy.get("Parameters.Word")]), toy.train(), toy.measure()

    def run(
        self, *steps: dict[str, Any], on_event: Callable[[Event], None] = print, **parameters: str
    ) -> Execution:
        self.runs += 1
        return execute(
            toy.definition(*(steps or self.steps())),
            self.staged,
            workspace=self.folder / "runs",
            run_id=f"run-{self.runs}",
            parameters=parameters,
            project=self.project,
            on_event=on_event,
            warm=False,
        )

    def plan(self, *steps: dict[str, Any], **parameters: str) -> dict[str, CacheWord]:
        definition = toy.definition(*(steps or self.steps()))
        words = explain_cache(definition, self.staged, self.folder / "runs", parameters, project=self.project)
        return {word.step: word for word in words}


_RUNNER = """
import json, sys
from pathlib import Path
from helpers import toy_runs
toy_runs.runner(Path(sys.argv[1]))(**json.loads(sys.argv[2]))
"""


def start_runner(folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Run the toy pipeline in a process of its own, to be stopped; see `runner` for the options."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", _RUNNER, str(folder), json.dumps(options)]
    with heard():
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def wait_for(file: Path, text: str = "") -> None:
    """Wait until a file has something, or this text, in it."""
    deadline = time.monotonic() + 30
    while not (file.is_file() and (said := file.read_text()) and text in said):
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
