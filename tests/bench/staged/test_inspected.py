"""What the checks say of known models: an alarm names its class, and a baseline is held against nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from bench.staged import inspected as made_here
from bench.staged.inspected import INSPECTED

CLASSES = ("0", "1")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Two runs of untrained networks, of which the laboratory is shown one."""
    x, _ = left_or_right(40)
    monkeypatch.setattr(made_here, "_opened", lambda run, step: (built(), CLASSES, x))
    lab = [{"title": "as it is", "cpu_s": 1.0, "accuracy": 0.5, "asr": None, "refused_clean": None}]
    monkeypatch.setattr(made_here, "_laboratory", lambda run: [lab[0] | {"refused_triggered": 0.25}])
    columns = [
        {"id": name, "title": name, "clean": name == "clean", "attack": name} for name in ("clean", "badnets")
    ]
    numbers: dict[str, Any] = {"clean": {}, "badnets": {"asr": {"value": 0.9}}}
    cells = [{"column": name, "numbers": numbers[name], "runs": [{"run": name}]} for name in numbers]
    kept = INSPECTED.kept({"columns": columns, "cells": cells, "versions": {}}, tmp_path)
    (tmp_path / f"{INSPECTED.name}.json").write_text(json.dumps({"seeds": {"0": kept}}))
    return list(kept["columns"])


@pytest.mark.whole
def test_each_model_has_its_line_and_the_laboratory_its_own(
    told: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert [each["title"] for each in told] == ["the baseline", "clean", "badnets"]
    assert told[0]["beside"] is None and told[1]["beside"] is not None and told[2]["asr"] == 0.9
    assert all(np.isfinite(each["triggers"]["pixels"]) for each in told)
    assert INSPECTED.laboratory(tmp_path)[2:] == ["| as it is | 50.0 | – | – | 25.0 | 1 |"]


def test_an_alarm_names_its_class() -> None:
    margins = {"class": "cat", "p": 0.001, "alarm": True, "published": None}
    triggers = {"class": "dog", "pixels": 30.0, "index": 1.5, "alarm": False}
    model = {
        "title": "m",
        "asr": None,
        "alone": margins,
        "beside": None,
        "triggers": triggers,
        "cpu_s": [1, 2],
    }
    line = made_here._line(model)
    assert line == "| m | – | **cat**, p 0.001 | – | – | nothing (30.0 px, index 1.5) | 1 + 2 |"
