"""The tables of attacks: measured seed by seed, a line for each, the same numbers for the catalogue."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.staged import by_seed as made_here
from bench.staged.attacks import TABLES, AttackTable, figures
from pipelines.catalogue.expected import MEASURED, Reached
from processing.attacks import ATTACKS

CAMPAIGN = """
name = "toy"
seeds = [0, 1]

[[attacks]]
name = "pattern"
recipe = [{ kind = "art_pattern", target = "bird" }]

[[attacks]]
name = "flips"
recipe = [{ kind = "label_flip_random", rate = 0.1 }]

[[attacks]]
name = "both"
recipe = [{ kind = "art_pattern", target = "bird" }, { kind = "label_flip_random", rate = 0.1 }]
"""


RECIPES = tomllib.loads(CAMPAIGN)["attacks"]


@dataclass(frozen=True)
class Toy(AttackTable):
    """A campaign of a hundred images a seed that is not run."""

    def run(self, file: Path, runs: Path) -> dict[str, Any]:
        written = tomllib.loads(file.read_text())
        (seed,) = written.pop("seeds")
        assert written.pop("name") == f"toy-s{seed}" and written["attacks"] == RECIPES
        told = {"asr": share(95 + 2 * seed), "clean_models_rate": share(2), "psnr": {"value": 30.0}}
        numbers = {
            "clean": {"accuracy": share(82)},
            "pattern": {"accuracy": share(80 + seed), "poisoning": {"value": 4.0 + seed}} | told,
            "flips": {"accuracy": share(70)},
            "both": {"accuracy": share(60)},
        }
        columns = [
            {"id": name, "attack": name, "title": f"{name}!", "clean": name == "clean", "data": "data"}
            for name in numbers
        ]
        cells = [{"row": "nothing", "column": name, "numbers": each} for name, each in numbers.items()]
        return {"columns": columns, "cells": cells, "versions": {}}


def share(successes: int) -> dict[str, Any]:
    return {"successes": successes, "total": 100, "value": successes / 100, "low": 0.0, "high": 1.0}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    monkeypatch.setattr(made_here, "CAMPAIGNS", tmp_path)
    (tmp_path / "toy.toml").write_text(CAMPAIGN)
    return Toy("toy", "a toy", "toy.toml", 1, where="toys")


def test_each_attack_has_a_line_of_all_seeds_with_its_control_and_what_it_costs(
    toy: Toy, tmp_path: Path
) -> None:
    toy.measure(tmp_path, tmp_path / "runs")
    *_, clean, pattern, flips, _ = toy.table(tmp_path)
    assert clean == "| clean! | – | – | 82.0 (76.1–86.7) ± 0.0 | | – | – |"
    head = "| pattern! | 96.0 (92.3–98.0) ± 1.4 | 2.0 | 80.5 (74.5–85.4) ± 0.7"
    assert pattern == f"{head} | 1.5 | 30.0 | 4.5 |"
    assert flips == "| flips! | – | – | 70.0 (63.3–75.9) ± 0.0 | 12.0 | – | – |"


def test_the_catalogue_is_told_the_same_of_attacks_that_poison_alone(toy: Toy, tmp_path: Path) -> None:
    toy.measure(tmp_path, tmp_path / "runs")
    told = figures([toy], tmp_path)
    assert {kind: len(each) for kind, each in told.items()} == {"art_pattern": 1, "label_flip_random": 1}
    pattern, flips = (Reached.model_validate(each[0]) for each in told.values())
    assert pattern.asr and pattern.asr.value == 0.96 and pattern.lost == 0.015 and pattern.seeds == 2
    assert flips.asr is None and flips.psnr is None and flips.lost == 0.12 and flips.data == "toys"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_what_was_not_measured_has_no_figures(table: AttackTable, tmp_path: Path) -> None:
    assert figures([table], tmp_path) == {} and len(table.table(tmp_path)) == 2


def test_every_figure_that_is_committed_is_of_an_attack() -> None:
    assert json.loads(MEASURED.read_text()).keys() <= ATTACKS.keys()
