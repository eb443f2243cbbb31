"""Figures to expect are read where they were measured, and are not made up where they were not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boomerang.errors import ConfigError
from pipelines.catalogue import expected as made_here
from pipelines.catalogue.expected import figures_of, say_reached

MEASURED = {
    "data": "CIFAR-10",
    "setting": "BadNets, 10%",
    "seeds": 3,
    "asr": {"value": 0.97, "low": 0.96, "high": 0.98},
    "clean_accuracy": 0.81,
    "lost": 0.0123,
    "clean_models_rate": 0.02,
    "psnr": 24.16,
    "cpu_s": 185,
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "measured.json"
    monkeypatch.setattr(made_here, "MEASURED", file)
    return file


def test_what_was_measured_is_said(results: Path) -> None:
    results.write_text(json.dumps({"badnets": [MEASURED]}))
    assert [say_reached(each) for each in figures_of("badnets")] == [
        "BadNets, 10% (CIFAR-10; 3 seeds): success 97.0% (96.0% to 98.0%); the clean model's own rate 2.0%; "
        "clean accuracy 81.0%, 1.2 points lost. PSNR 24.2 dB. Poisoning took 3 min 05 s of CPU."
    ]


def test_of_what_was_not_measured_nothing_is_said(results: Path) -> None:
    kept = {name: MEASURED[name] for name in ("data", "setting", "clean_accuracy", "lost")}
    results.write_text(json.dumps({"svm_flipping": [kept | {"seeds": 1}]}))
    assert figures_of("mislabel") == []
    (found,) = figures_of("svm_flipping")
    assert say_reached(found) == "BadNets, 10% (CIFAR-10; one seed): clean accuracy 81.0%, 1.2 points lost."


def test_figures_that_are_none_are_refused(results: Path) -> None:
    results.write_text(json.dumps({"badnets": [MEASURED | {"asr": 0.97}]}))
    with pytest.raises(ConfigError, match=r"measured\.json: badnets: 'asr'"):
        figures_of("badnets")
