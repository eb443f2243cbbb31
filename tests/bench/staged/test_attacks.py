"""The tables of attacks: a line for each, and the same numbers for the catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.staged.attacks import TABLES, AttackTable, figures
from pipelines.catalogue.expected import MEASURED, Reached
from processing.attacks import ATTACKS

TABLE = TABLES["attacks_cifar10"]


def _number(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01, "by_seed": {"0": value, "1": value}}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A matrix in which nobody attacks, somebody with a pattern, and somebody who wants no answer."""
    columns = [
        {"id": "clean", "attack": "clean", "title": "nobody", "clean": True, "data": "data"},
        {"id": "pattern-0.1", "attack": "pattern", "title": "a pattern", "clean": False, "data": "data"},
        {"id": "flips", "attack": "label-flip-random", "title": "flips", "clean": False, "data": "data"},
    ]
    told = {"accuracy": _number(0.8), "asr": _number(0.95), "clean_models_rate": _number(0.02)}
    numbers = {
        "clean": {"accuracy": _number(0.82)},
        "pattern-0.1": told | {"psnr": _number(30), "poisoning": _number(4)},
        "flips": {"accuracy": _number(0.7)},
    }
    cells = [{"row": "nothing", "column": column, "numbers": each} for column, each in numbers.items()]
    matrix = {"columns": columns, "cells": cells}
    (tmp_path / f"{TABLE.name}.json").write_text(json.dumps({"matrix": matrix}))
    return tmp_path


def test_each_attack_has_a_line_with_its_control_and_what_it_costs(results: Path) -> None:
    *_, clean, pattern, flips = TABLE.table(results)
    assert clean == "| nobody | – | – | 82.0 (81.0–83.0) | | – | – |"
    assert pattern == "| a pattern | 95.0 (94.0–96.0) | 2.0 | 80.0 (79.0–81.0) | 2.0 | 30.0 | 4.0 |"
    assert flips == "| flips | – | – | 70.0 (69.0–71.0) | 12.0 | – | – |"


def test_the_catalogue_is_told_the_same_by_kind(results: Path) -> None:
    told = figures([TABLE], results)
    assert list(told) == ["art_pattern", "label_flip_random"]
    pattern, flips = (Reached.model_validate(each[0]) for each in told.values())
    assert pattern.asr and pattern.asr.value == 0.95 and pattern.lost == 0.02 and pattern.seeds == 2
    assert flips.asr is None and flips.psnr is None and flips.lost == 0.12


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_what_was_not_measured_has_no_figures(table: AttackTable, tmp_path: Path) -> None:
    assert figures([table], tmp_path) == {}


def test_every_figure_that_is_committed_is_of_an_attack() -> None:
    measured = json.loads(MEASURED.read_text())
    assert measured.keys() <= ATTACKS.keys()
