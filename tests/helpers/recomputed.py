"""The rates of a run counted again from the predictions that Evaluate left, with numpy and scipy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

# What is counted again of every model and attack; the keys are those of `metrics.json`.
RATES = ("asr", "ra", "plain_accuracy", "turned")


def recompute(evaluation: Path) -> dict[str, Any]:
    """Return `clean_accuracy` and `attacks` of every model, in the words of `metrics.json`."""
    folder = evaluation / "predictions"
    index = json.loads((folder / "index.json").read_text())
    return {
        model: {
            "clean_accuracy": _share(_array(folder, "test", model) == _array(folder, "test", "y")),
            "attacks": [
                _attack(folder, number, attack, model) for number, attack in enumerate(index["attacks"], 1)
            ],
        }
        for model in index["models"]
    }


def reported(evaluation: Path) -> dict[str, Any]:
    """Return the same numbers as `metrics.json` has them."""
    models = json.loads((evaluation / "metrics.json").read_text())["models"]
    return {
        name: {
            "clean_accuracy": numbers["clean_accuracy"],
            "attacks": [{key: attack[key] for key in ("name", *RATES)} for attack in numbers["attacks"]],
        }
        for name, numbers in models.items()
    }


def flat(numbers: Any, where: str = "") -> dict[str, Any]:
    """Return every number by its place, as `pytest.approx` compares them."""
    if not isinstance(numbers, dict | list):
        return {where: numbers}
    pairs = numbers.items() if isinstance(numbers, dict) else enumerate(numbers)
    return {place: n for key, inner in pairs for place, n in flat(inner, f"{where}.{key}").items()}


def _attack(folder: Path, number: int, attack: dict[str, Any], model: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": attack["name"], **dict.fromkeys(RATES)}
    name = f"attack-{number}"
    target = _array(folder, name, "target") if attack["targets"] else attack["target"]
    if target is None:
        return found
    y, calls = _array(folder, name, "y"), _array(folder, name, model)
    plain = _array(folder, f"{name}-plain", model) if attack["plain"] else None
    if (calls < 0).any() or (plain is not None and (plain < 0).any()):
        return found
    found |= {"asr": _share(calls == target), "ra": _share(calls == y)}
    if plain is not None:
        found["plain_accuracy"] = _share(plain == y)
    if attack["outcome"] == "targeted":
        found["turned"] = _share((calls == target) & (_array(folder, name, "baseline") != target))
    return found


def _array(folder: Path, name: str, column: str) -> Any:
    return np.load(folder / f"{name}-{column}.npy", allow_pickle=False)


def _share(hits: Any) -> dict[str, Any]:
    from scipy.stats import binomtest

    successes, total = int(hits.sum()), len(hits)
    if total == 0:
        return {"successes": 0, "total": 0, "value": None, "low": None, "high": None}
    interval = binomtest(successes, total).proportion_ci(method="wilson")
    return {
        "successes": successes,
        "total": total,
        "value": successes / total,
        "low": float(interval.low),
        "high": float(interval.high),
    }
