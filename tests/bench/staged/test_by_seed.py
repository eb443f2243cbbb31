"""Campaigns measured seed by seed: each once, and none beside those of another campaign."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.results import RESULTS
from bench.staged import by_seed as made_here
from bench.staged.by_seed import BySeed, interval
from boomerang.errors import UsageError
from boomerang.scoring import rate

CAMPAIGN = """
name = "toy"
seeds = [0, 1]

[[attacks]]
name = "flips"
recipe = [{ kind = "label_flip_random", rate = 0.1 }]
"""


@dataclass(frozen=True)
class Toy(BySeed):
    """A campaign that is not run; `asked` are the seeds that it is asked for."""

    asked: list[int] = field(default_factory=list)

    def run(self, file: Path, runs: Path) -> dict[str, Any]:
        (seed,) = tomllib.loads(file.read_text())["seeds"]
        self.asked.append(seed)
        return {"seed": seed}

    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        assert folder.name == f"toy-s{matrix['seed']}"
        return {"columns": [{"flips": matrix["seed"]}], "versions": {}}

    def table(self, folder: Path = RESULTS) -> list[str]:
        return []


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    monkeypatch.setattr(made_here, "CAMPAIGNS", tmp_path)
    (tmp_path / "toy.toml").write_text(CAMPAIGN)
    return Toy("toy", "a toy", "toy.toml", 1)


def test_a_seed_that_is_there_is_not_measured_again(toy: Toy, tmp_path: Path) -> None:
    toy.measure(tmp_path, tmp_path / "runs", seeds=[1])
    assert toy.asked == [1]
    file = tmp_path / "toy.toml"
    file.write_text(file.read_text().replace("[0, 1]", "[0, 1, 2]"))
    toy.measure(tmp_path, tmp_path / "runs")
    assert toy.asked == [1, 0, 2]
    assert list(json.loads((tmp_path / "toy.json").read_text())["seeds"]) == ["0", "1", "2"]


def test_seeds_of_two_campaigns_are_not_put_together(toy: Toy, tmp_path: Path) -> None:
    toy.measure(tmp_path, tmp_path / "runs")
    file = tmp_path / "toy.toml"
    file.write_text(file.read_text().replace("rate = 0.1", "rate = 0.2"))
    with pytest.raises(UsageError, match=r"toy\.toml has changed since its seeds were measured"):
        toy.measure(tmp_path, tmp_path / "runs")
    assert toy.asked == [0, 1]


def test_a_seed_that_the_campaign_does_not_have_is_refused(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"seed 7(.|\n)*has the seeds \[0, 1\]"):
        toy.measure(tmp_path, tmp_path / "runs", seeds=[0, 7])
    assert toy.asked == []


def test_columns_have_what_each_seed_measured(toy: Toy, tmp_path: Path) -> None:
    assert toy.columns(tmp_path) == []
    toy.measure(tmp_path, tmp_path / "runs")
    assert toy.columns(tmp_path) == [({"flips": 0}, {"flips": 1})]


def test_a_rate_is_said_with_its_interval() -> None:
    assert interval(rate(1, 2)) == "50.0 (9.5–90.5)"
    assert interval(rate(0, 0)) == interval(None) == "–"
