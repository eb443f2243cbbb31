"""The toy pipeline: in a workspace of the test's own, in one whose jobs have run, or finished already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.toy_runs import Execute, runner

from pipelines.runs.records import Event, Execution


@pytest.fixture
def run(tmp_path: Path) -> Execute:
    """Run a definition, or the whole toy pipeline; see `helpers.toy_runs.runner`."""
    return runner(tmp_path)


@pytest.fixture(scope="session")
def events() -> list[Event]:
    """What was said of the finished run."""
    return []


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> Execution:
    """The whole toy pipeline, run once for tests that only look at it."""
    return runner(tmp_path_factory.mktemp("toy"))(on_event=events.append)


@pytest.fixture
def ready(run: Execute, finished: Execution, tmp_path: Path) -> Execute:
    """As `run`, with the outputs of the toy's own jobs in the cache: for what comes after them."""
    shutil.copytree(finished.run_dir.parent / "cache", tmp_path / "runs/cache")
    return run
