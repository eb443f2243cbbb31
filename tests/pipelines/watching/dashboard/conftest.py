"""The workspace that the tests of the dashboard look at."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.workspaces import NOW, build_workspace, canary

from boomerang.watching.history import append_history


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three finished runs, and folders that are no finished run; no test changes them."""
    return build_workspace(tmp_path_factory.mktemp("dashboard") / "runs")


@pytest.fixture
def watched(workspace: Path, tmp_path: Path) -> Path:
    """The same workspace after three canaries, of which the last two are bad."""
    folder = tmp_path / "runs"
    shutil.copytree(workspace, folder)
    for day, accuracy in ((3, 0.98), (2, 0.4), (1, 0.3)):
        append_history(folder / "metrics.jsonl", canary("boomerang", 2, NOW - timedelta(days=day), accuracy))
    return folder
