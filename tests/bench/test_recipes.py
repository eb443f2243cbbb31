"""The trials that chose the recipes: they can be run, and who interrupts them goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import recipes
from bench.recipes import TRIALS


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_is_of_settings_that_there_are_and_ends_at_the_size_of_the_data(name: str) -> None:
    told = TRIALS[name].told()
    sizes = told["train"]["sizes"]
    assert not sizes or (len(sizes) == told["train"]["epochs"] and sizes[-1] == 32)


def test_what_is_committed_was_measured_with_the_settings_that_a_trial_has_now() -> None:
    for name, trial in json.loads(recipes.RESULTS.read_text())["trials"].items():
        told = TRIALS[name].told()
        assert {key: trial[key] for key in told} == told, name
        assert trial["found"]["rows"] == 5000 and 0 < trial["found"]["accuracy"] < 1


def test_a_trial_is_run_once_and_again_when_its_settings_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "cifar10.npz", tmp_path / "found.json"
    np.savez(data, x_train=np.zeros((4, 2, 2, 3), np.uint8), y_train=np.zeros(4, np.uint8))
    asked: list[Any] = []

    def found(trial: recipes.Trial, x: Any, y: Any) -> dict[str, Any]:
        asked.append((trial, len(x), y.dtype))
        return {"accuracy": 0.5}

    monkeypatch.setattr(recipes, "run", found)
    arguments = ["fast-4", "fast-8", "--data", str(data), "--out", str(out)]
    assert recipes.main(arguments) == recipes.main(arguments) == 0
    assert [each[1:] for each in asked] == [(4, np.int64)] * 2
    monkeypatch.setitem(TRIALS, "fast-8", recipes.Trial("fast", {"epochs": 9}))
    recipes.main(arguments)
    assert len(asked) == 3 and set(json.loads(out.read_text())["trials"]) == {"fast-4", "fast-8"}
