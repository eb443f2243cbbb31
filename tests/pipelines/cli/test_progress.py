"""What a person sees of a run while it goes on, and of a gate that says no."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_runs
from rich.console import Console

from pipelines.cli.progress import Board, say, step_names
from pipelines.runs.records import Event

UNMEASURED = '{"gate": {"drop": 1e9}, "reasons": "nothing was measured"}'


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    """What a run tells whose number was not measured."""
    told: list[Event] = []
    body = f"(ml / 'processing/output/evaluation/metrics.json').write_text({UNMEASURED!r})"
    toy_runs.runner(tmp_path)(jobs={"measure": body}, on_event=told.append)
    return told


def shown(board: Any) -> list[str]:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(board)
    return console.export_text().splitlines()


def test_a_gate_that_says_no_is_no_tick_and_a_number_that_was_not_measured_is_none(
    events: list[Event],
) -> None:
    board = Board(["Make", "Train", "Measure", "Gate"])
    for event in events:
        board.take(event)
    lines = {line.split()[1]: line for line in shown(board)}
    assert lines["Measure"].startswith("✓")
    assert lines["Gate"].startswith("✗")
    assert "gate.drop was not measured and has to be ≤ 0.02" in lines["Gate"]
    assert "1e+09" not in "".join(lines.values())


def test_a_line_of_a_log_says_no_too(events: list[Event]) -> None:
    lines = [say(event) for event in events if event.step == "Gate"]
    assert lines[-1].startswith("Gate rejected in ")
    assert lines[-1].endswith(": gate.drop was not measured and has to be ≤ 0.02")


def test_a_gate_that_lets_pass_is_a_tick(tmp_path: Path) -> None:
    told: list[Event] = []
    toy_runs.runner(tmp_path)(on_event=told.append)
    assert [event.kind for event in told if event.step == "Gate"] == ["started", "succeeded"]


def test_a_conditions_branches_are_listed_only_once_they_run() -> None:
    definition = {"Steps": [{"Name": "Make"}, {"Name": "Gate", "Arguments": {"IfSteps": [{"Name": "A"}]}}]}
    assert step_names(definition) == ["Make", "Gate"]
