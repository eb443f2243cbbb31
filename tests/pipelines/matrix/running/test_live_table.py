from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from helpers.matrices import draw
from rich.console import Console

from pipelines.matrix.document import Column, Row
from pipelines.matrix.quantities import ACCURACY
from pipelines.matrix.running.headway import Progress
from pipelines.matrix.running.live_table import Board, Lines, show_matrix
from pipelines.runs.records import Event

ROWS = [Row(id="nothing", title="nothing"), Row(id="d", title="a [bold] defense")]
COLUMN = Column(id="c", title="a column", data="data", attack="a")


def ready(row: Row, seed: int) -> Any:
    cell = SimpleNamespace(id=f"c.{row.id}.s{seed}", row=row, column=COLUMN, seed=seed)
    return SimpleNamespace(cell=cell, symbols={"Screen": f"{row.id}{seed}"})


CELLS = [ready(row, seed) for row in ROWS for seed in (0, 1)]


def drawn(board: Any) -> str:
    console = Console(width=100, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(board)
    return capture.get()


def test_the_live_table_has_a_mark_for_each_seed_and_names_what_runs() -> None:
    progress = Progress(CELLS, jobs=1, known={"Screen": [65.0]})
    progress.take(CELLS[0], Event("Screen", "succeeded", 65.0))
    progress.take(CELLS[0], None)
    progress.take(CELLS[1], Event("Screen", "failed", 1.0))
    progress.take(CELLS[1], None)
    progress.take(CELLS[2], Event("Screen", "started"))
    said = drawn(Board(progress))
    assert "✓✗" in said and "▶·" in said
    assert "a [bold] defense" in said, "what is written is no markup"
    assert "2 of 4 runs, 1 of 4 steps, about 2 min 10 s left" in said
    assert "c.d.s0: Screen" in said


def test_without_a_terminal_there_is_a_line_for_each_run_and_each_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(Progress(CELLS, jobs=1))
    lines.take(CELLS[0], Event("Screen", "started"))
    lines.take(CELLS[0], Event("Screen", "failed", 1.0, "it raised"))
    lines.take(CELLS[0], None)
    lines.take(CELLS[1], None)
    assert capsys.readouterr().err.splitlines() == [
        "c.nothing.s0: Screen failed: it raised",
        "c.nothing.s0 failed; 1 of 4 runs, 0 of 4 steps, time left not known yet",
        "c.nothing.s1 done; 2 of 4 runs, 0 of 4 steps, time left not known yet",
    ]


def test_the_matrix_on_the_terminal_names_what_has_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    matrix = draw()
    failed = matrix.cells[0].model_copy(update={"status": "failed", "why": "it [raised]", "numbers": {}})
    show_matrix(matrix.model_copy(update={"cells": (failed, *matrix.cells[1:])}), {"matrix": "there.html"})
    said = capsys.readouterr().out
    assert "it [raised]" in said and "matrix: there.html" in said
    assert f"{100 * matrix.cells[1].numbers[ACCURACY].value:.1f}" in said
