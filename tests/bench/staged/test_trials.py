"""The trials that chose the recipes, as a part of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import page
from bench.recipes import TRIALS as TRIED
from bench.staged.trials import TRIALS
from boomerang.errors import UsageError


def test_each_trial_that_was_run_has_its_line(tmp_path: Path) -> None:
    found = {"accuracy": 0.8127, "rows": 5000, "cpu_s": 141.3, "loss": [1.0]}
    (tmp_path / "recipes.json").write_text(
        json.dumps({"trials": {next(iter(TRIED)): {"key": "k", "found": found}}})
    )
    text = page.benchmarks(tmp_path)
    assert f"| {next(iter(TRIED))} | 81.3% | 141 |" in text and "\n## recipes\n" in text
    assert list(TRIALS.goals(tmp_path)) == []


def test_without_the_real_data_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOMERANG_DATA", str(tmp_path))
    with pytest.raises(UsageError, match="real data"):
        TRIALS.measure(tmp_path)
