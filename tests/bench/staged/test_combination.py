"""Detectors asked about the victims of campaigns, and the table of what they find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.suspects import NO_VICTIM, make_suspect

from bench.staged import combination as made_here
from bench.staged.combination import Combinations, columns_of, told, with_planted
from bench.staged.combining import Asked


def matrix(*attacks: str) -> dict[str, Any]:
    columns = [
        {"id": name, "title": name.title(), "data_title": "scratch", "clean": name == "clean"}
        for name in attacks
    ]
    runs = {name: [{"seed": seed, "run": f"{name}.s{seed}"} for seed in (0, 1)] for name in attacks}
    cells = [{"row": "nothing", "column": name, "runs": runs[name]} for name in attacks]
    return {"name": "toy", "columns": columns, "cells": cells}


def numbers(tpr: float | None, fpr: float) -> dict[str, Any]:
    return {name: {"tpr": tpr, "fpr": fpr * times, "auroc": tpr} for name, times in (("a", 1), ("b", 2))}


def test_the_table_has_the_mean_of_what_was_seen_apart_from_the_rest(tmp_path: Path) -> None:
    def column(name: str, seen: bool, *tpr: float | None) -> dict[str, Any]:
        seeds = {str(seed): numbers(each, 0.004 * (1 + 2 * seed)) for seed, each in enumerate(tpr)}
        clean = tpr[0] is None
        return {"title": name, "data_title": "d", "clean": clean, "seen": seen, "seeds": seeds}

    columns = [column("None", True, None), column("A", True, 0.5, 0.7), column("B", True, 1.0)]
    columns.append(column("C", False, 0.25))
    (tmp_path / "toy.json").write_text(json.dumps({"columns": columns}))
    assert Combinations("toy", "a toy", {}, 1).table(tmp_path) == [
        "| TPR | a | b |",
        "| --- | --- | --- |",
        "| A, d | 60.0 | 60.0 |",
        "| B, d | 100.0 | 100.0 |",
        "| **mean, chosen by** | 80.0 | 80.0 |",
        "| C, d | 25.0 | 25.0 |",
        "| **mean, never seen** | 25.0 | 25.0 |",
        "| FPR, the mean | 0.50 | 1.00 |",
        "| FPR, the highest | 1.20 | 2.40 |",
    ]


def test_what_was_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, int]] = []

    def ask(run: Path, seed: int) -> Asked:
        asked.append((run, seed))
        return Asked(np.zeros(1, bool), {})

    monkeypatch.setattr(made_here, "ask", ask)
    monkeypatch.setattr(made_here, "told", lambda _: numbers(None, 0.01))
    first = columns_of(matrix("clean", "one"), tmp_path, True)
    assert [run.name for run, _ in asked] == ["clean.s0", "clean.s1", "one.s0", "one.s1"]
    assert [column["id"] for column in first] == ["clean", "one"] and list(first[1]["seeds"]) == ["0", "1"]
    del first[1]["seeds"]["1"], asked[:]
    again = columns_of(matrix("clean", "one"), tmp_path, True, first)
    assert asked == [(tmp_path / "one.s1", 1)] and list(again[1]["seeds"]) == ["0", "1"]
    del asked[:]
    columns_of(matrix("one"), tmp_path, False, again)
    assert len(asked) == 2, "victims that were never seen are others"


def test_a_contender_is_told_by_its_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = np.array([True, True, False, False, False, False])
    flagged, scores = np.array([1, 0, 1, 0, 0, 0], bool), np.array([6.0, 4, 5, 1, 2, 3])
    monkeypatch.setattr(made_here, "flagged_by", lambda _: {"a": (flagged, scores)})
    assert told(Asked(poisoned, {})) == {"a": {"tpr": 0.5, "fpr": 0.25, "auroc": 0.875}}
    assert told(Asked(np.zeros(6, bool), {})) == {"a": {"tpr": None, "fpr": 0.3333, "auroc": None}}


def test_planted_rows_have_wrong_labels_and_nothing_is_learned_from_them() -> None:
    data, _ = make_suspect(trusted=400)
    before = data.trusted_x.copy()

    class Held:
        def __init__(self, x: Any, y: Any) -> None:
            self.x, self.y, self.classes = x, y, data.classes

    train: Any = Held(data.x, data.y)
    trusted: Any = Held(data.trusted_x, data.trusted_y)
    suspect = with_planted(train, trusted, NO_VICTIM, 0)  # type: ignore[arg-type]
    rows = len(data.y)
    assert np.array_equal(suspect.x[:rows], data.x)
    assert np.array_equal(suspect.left, np.arange(len(suspect.y)) < rows)
    assert len(suspect.y) == rows + Asked.PLANTED and np.array_equal(data.trusted_x, before)
    origin = [np.flatnonzero((before == image).all((1, 2, 3))) for image in suspect.x[-100:]]
    assert all(len(each) == 1 for each in origin), "the last third is as it was"
    assert all(data.trusted_y[i] != y for (i,), y in zip(origin, suspect.y[-100:], strict=True))
    assert not any((before == image).all((1, 2, 3)).any() for image in suspect.x[rows : rows + 200])
