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
    "asr": {"value": 0.97, "low": 0.96, "high": 0.98},
    "clean_accuracy": 0.81,
    "clean_models_rate": 0.02,
    "psnr": 24.16,
    "seconds": 185,
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "attacks.json"
    monkeypatch.setattr(made_here, "RESULTS", file)
    return file


def test_what_was_measured_is_said(results: Path) -> None:
    results.write_text(json.dumps({"badnets": MEASURED}))
    found = figures_of("badnets")
    assert found is not None and say_reached(found) == (
        "Measured on CIFAR-10: success 97.0% (96.0% to 98.0%), the clean model's own rate 2.0%, "
        "clean accuracy 81.0%. PSNR 24.2 dB. It took 3 min 05 s."
    )


def test_of_what_was_not_measured_nothing_is_said(results: Path) -> None:
    assert figures_of("badnets") is None
    results.write_text(json.dumps({"badnets": MEASURED | {"psnr": None}}))
    assert figures_of("mislabel") is None
    found = figures_of("badnets")
    assert found is not None and "PSNR" not in say_reached(found)


def test_figures_that_are_none_are_refused(results: Path) -> None:
    results.write_text(json.dumps({"badnets": MEASURED | {"asr": 0.97}}))
    with pytest.raises(ConfigError, match=r"attacks\.json: badnets: 'asr'"):
        figures_of("badnets")
