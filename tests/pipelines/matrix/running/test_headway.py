from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.matrix.running.headway import Progress, distinct, estimate
from pipelines.runs.records import Event


def ready(name: str, **symbols: str) -> Any:
    return SimpleNamespace(cell=SimpleNamespace(id=name), symbols=symbols)


CELLS = [ready("a", Train="1", Screen="2"), ready("b", Train="1", Screen="3")]


def test_a_step_that_cells_share_counts_once() -> None:
    assert distinct(CELLS) == {"1": "Train", "2": "Screen", "3": "Screen"}


def test_time_left_is_that_of_the_steps_that_no_cell_has_made() -> None:
    progress = Progress(CELLS, jobs=1, known={"Train": [100.0], "Screen": [4.0, 6.0]})
    assert progress.left_s == 110
    progress.take(CELLS[0], Event("Train", "succeeded", 50.0))
    assert progress.left_s == 10
    progress.take(CELLS[0], Event("Screen", "succeeded", 3.0))
    assert progress.left_s == pytest.approx(3), "this campaign's own times count, once there are some"
    progress.take(CELLS[1], Event("Screen", "cached", 3.0))
    assert progress.left_s == 0


def test_time_left_is_not_known_while_a_step_has_never_run() -> None:
    assert Progress(CELLS, jobs=2, known={"Screen": [1.0]}).left_s is None
    assert estimate([], {}, 1) == 0


def test_what_a_failed_cell_has_left_undone_is_no_longer_waited_for() -> None:
    progress = Progress(CELLS, jobs=1, known={"Train": [10.0], "Screen": [1.0]})
    progress.take(CELLS[0], Event("Train", "succeeded", 10.0))
    progress.take(CELLS[0], Event("Screen", "failed", 1.0))
    progress.take(CELLS[0], None)
    assert progress.ended == {"a": False}
    assert progress.left_s == 1


def test_what_runs_is_named_until_it_has_ended() -> None:
    progress = Progress(CELLS, jobs=1)
    progress.take(CELLS[1], Event("Train", "started"))
    assert progress.running["b"][0] == "Train"
    progress.take(CELLS[1], Event("Train", "succeeded", 1.0))
    progress.take(CELLS[1], None)
    assert progress.running == {} and progress.ended == {"b": True}
