"""The config that the report shows is the run's own, and cached work counts as long as it took."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from helpers.report_pages import report_of
from hypothesis import given
from hypothesis import strategies as st

from boomerang.safeio import load_json
from pipelines.report.provenance import to_toml

_plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.integers(-9, 9) | st.booleans()
_table = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), _plain, max_size=3
)


@given(
    st.dictionaries(st.text("ab_-é.", min_size=1, max_size=5), _plain | _table | st.lists(_table, max_size=2))
)
def test_toml_reads_back(config: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(config)) == config


def test_shown_config_is_the_runs_own(stopped: Path) -> None:
    shown = tomllib.loads(report_of(stopped)["provenance"]["config"])
    config = load_json(stopped / "config.json")
    assert shown["attacks"] == config["attacks"]
    assert shown["gate"] == config["gate"]
    assert shown["pictures"][0]["path"] == "…/boomerangs"


def test_cached_work_counts_as_long_as_it_took(stopped: Path) -> None:
    steps = {step["name"]: step for step in report_of(stopped)["provenance"]["steps"]}
    assert steps["TrainBaseline"]["cached_from"] and steps["TrainBaseline"]["work_s"] == 41.7
    assert steps["Poison"]["begun_s"] == pytest.approx(3.1 + 41.7)


def test_what_is_none_is_left_out_at_any_depth() -> None:
    config = {"a": None, "b": {"c": None, "d": 1}, "e": [{"f": None, "g": [1, 2]}]}
    assert tomllib.loads(to_toml(config)) == {"b": {"d": 1}, "e": [{"g": [1, 2]}]}
