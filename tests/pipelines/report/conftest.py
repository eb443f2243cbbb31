"""The report that most tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.report_fixture import build_run

from pipelines.report import write_report


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose poisoned model was stopped, with its report; no test changes it."""
    folder = build_run(tmp_path_factory.mktemp("runs") / "stopped")
    write_report(folder)
    return folder
