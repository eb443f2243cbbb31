"""Both runners are called by one contract."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.definitions import config
from helpers.ranges import ROOT

from pipelines.campaign.site import LOCAL
from pipelines.definition.build import Built
from pipelines.runners.base import Order, Runner
from pipelines.runners.process import runner
from pipelines.runs.records import Event


def test_a_run_in_processes_is_what_was_ordered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = toy.project(tmp_path / "project")
    execute = runner.execute
    monkeypatch.setattr(runner, "execute", lambda *a, **k: execute(*a, **k, project=project, warm=False))
    events: list[Event] = []
    built = Built(toy.definition(), toy.STAGED)
    run: Runner = runner.run
    execution = run(Order(config(), LOCAL, built, tmp_path / "runs", "ordered", events.append))
    assert (execution.status, execution.run_dir) == ("Succeeded", tmp_path / "runs" / "ordered")
    assert events[0] == Event("Make", "started")


def test_the_runner_in_containers_is_called_alike() -> None:
    # Its module takes seconds to import.
    tree = ast.parse((ROOT / "pipelines/runners/containers/runner.py").read_text())
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run")
    assert ast.unparse(function.args) == "order: Order" and ast.unparse(function.returns) == "Execution"  # type: ignore[arg-type]  # it has one
    assert list(inspect.signature(runner.run).parameters) == ["order"]
