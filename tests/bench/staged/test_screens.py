"""The tables of screens: what is kept of a run, and how it is told."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import Range
from helpers.suspects import make_suspect

from bench.staged.matrices import CAMPAIGNS
from bench.staged.screens import SCREENS, ScreenTable, spent_of
from processing.defenses.screening import DETECTORS
from processing.defenses.screening.data_validation import DataValidation
from processing.defenses.screening.spectral_signatures import SpectralSignatures
from processing.screen import screen

TOY = ScreenTable("toy", "a toy", "toy.toml", 1)


def counts(successes: int, total: int = 100) -> dict[str, int]:
    return {"successes": successes, "total": total}


def found(name: str, tpr: int, fpr: int, **more: Any) -> dict[str, Any]:
    poison = 0 if tpr < 0 else 100
    told = {"name": name, "title": name, "flagged": max(tpr, 0) + fpr, "tpr": counts(max(tpr, 0), poison)}
    return told | {"fpr": counts(fpr), "least_left": counts(90), "cpu_s": None, **more}


def column(title: str, *screens: Mapping[str, Any], asr: Any = None) -> dict[str, Any]:
    default = {"tpr": counts(0, 0), "fpr": counts(1), "asr": None, "accuracy": counts(80)}
    told = {"id": title, "title": title, "data_title": "d", "clean": asr is None, "screens": screens}
    told |= {"screen_cpu_s": 40.0, "features_cpu_s": 2.0, "screen_mb": 1200}
    return told | {"asr": asr, "accuracy": counts(81), "default": default}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds of a clean set and an attack, and six screens."""
    names = [f"s{number}" for number in range(6)]
    seeds = {
        str(seed): {
            "columns": [
                column("clean", *(found(name, -1, 2 * seed) for name in names)),
                column(
                    "badnets",
                    *(
                        found(name, 90 + 2 * seed, 10, auroc=0.9 + seed / 50, cpu_s=3.0 + seed)
                        for name in names
                    ),
                    asr=counts(98),
                ),
            ]
        }
        for seed in (0, 1)
    }
    (tmp_path / "toy.json").write_text(json.dumps({"seeds": seeds}))
    return tmp_path


def test_an_attack_has_a_line_of_all_seeds_with_five_screens_in_a_table(folder: Path) -> None:
    lines = TOY.table(folder)
    assert "| | s0 | s1 | s2 | s3 | s4 |" in lines and "| | s5 |" in lines
    assert f"| badnets |{' 91.0 / 10.0 (91.0) |' * 5}" in lines


def test_the_last_line_says_what_all_screens_take(folder: Path) -> None:
    said = "All screens of one set together take 40 CPU-seconds, of these 2 for the features,"
    assert TOY.table(folder)[-1] == f"{said} and hold at most 1,200 MB."


def test_a_clean_set_has_the_false_positives_and_a_screen_above_one_percent_is_exploratory(
    folder: Path,
) -> None:
    line = next(each for each in TOY.table(folder) if each.startswith("| s5 | 1"))
    assert line == "| s5 | 1.0 (0.3–3.6) | 90.0 | 9.9 | 3.5 | |"
    told = json.loads((folder / "toy.json").read_text())
    told["seeds"]["0"]["columns"][0]["screens"][5]["fpr"] = counts(1)
    (folder / "toy.json").write_text(json.dumps(told))
    line = next(each for each in TOY.table(folder) if each.startswith("| s5 | 1"))
    assert line.endswith("| exploratory |")


def test_what_was_not_measured_says_so(tmp_path: Path) -> None:
    assert TOY.table(tmp_path) == ["Not measured yet."]


def test_what_is_kept_of_a_run_is_what_it_measured(digits_range: Range) -> None:
    run = digits_range.first
    told = {"id": "corner", "title": "!", "attack": "corner", "data": "d", "data_title": "", "clean": False}
    cells = [
        {"row": row, "column": "corner", "runs": [{"run": run.folder.name}]} for row in ("screens", "default")
    ]
    matrix = {"columns": [told], "cells": cells, "versions": {"numpy": "2"}}
    (kept,) = TOY.kept(matrix, digits_range.out)["columns"]
    metrics = run.metrics
    victim, hardened = (metrics["models"][name] for name in ("victim", "hardened"))
    assert kept["asr"]["successes"] == victim["attacks"][0]["asr"]["successes"]
    assert kept["default"]["asr"]["successes"] == hardened["attacks"][0]["asr"]["successes"]
    assert [each["name"] for each in kept["screens"]] == [each["name"] for each in metrics["detectors"]]
    for each, measured in zip(kept["screens"], metrics["detectors"], strict=True):
        assert each["fpr"] == {key: measured["fpr"][key] for key in ("successes", "total")}
        assert each["cpu_s"] >= 0 and each["auroc"] == round(measured["auroc"], 4)
    assert kept["screen_cpu_s"] >= kept["features_cpu_s"] > 0 and kept["screen_mb"] > 0


def test_what_screens_take_is_read_from_what_screen_says(capfd: pytest.CaptureFixture[str]) -> None:
    data, _ = make_suspect(rows=80, poison=2)
    screen(data, [SpectralSignatures(), DataValidation(), DataValidation(repeats=2)])
    assert spent_of(capfd.readouterr().out).keys() == {
        *("spectral_signatures", "data_validation", "data_validation-2"),
    }


def test_features_are_nobody_s_own() -> None:
    log = "features: 80 rows in 2.5 CPU-s\nfeatures: 9 rows in 0.5 CPU-s\n"
    log += "scan: 3 of 80 rows flagged in 4 CPU-s\nted: 0 of 80 rows flagged in 7 CPU-s\n"
    assert spent_of(log) == {"features": 3, "scan": 1, "ted": 7}


@pytest.mark.parametrize("table", SCREENS.values(), ids=lambda table: str(table.name))
def test_a_campaign_has_each_screen_once_at_its_defaults(table: ScreenTable) -> None:
    campaign = tomllib.loads((CAMPAIGNS / table.file).read_text())
    every, default = campaign["defenses"]
    assert every["detectors"] and every["harden"] == [] and default.keys() <= {"name", "title"}
    kinds = [each.pop("kind") for each in every["detectors"]]
    assert len(set(kinds)) == len(kinds) and set(kinds) <= set(DETECTORS)
    assert not any(every["detectors"]) and (every["name"], default["name"]) == ("screens", "default")
