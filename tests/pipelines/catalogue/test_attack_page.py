"""The page of the attacks has a row and a part of each, and what was measured of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.catalogue import expected
from pipelines.catalogue.attack_page import attack_page
from processing.attacks import ATTACKS


def test_every_attack_has_a_row_that_leads_to_its_part() -> None:
    page = attack_page()
    assert re.findall(r"^\| \[`(\w+)`\]\(#\1\) \|", page, re.M) == list(ATTACKS)
    assert re.findall(r"^## (\w+)$", page, re.M) == list(ATTACKS)
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1


def test_what_was_measured_stands_in_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "MEASURED", tmp_path / "measured.json")
    (tmp_path / "measured.json").write_text("{}")
    assert "Measured" not in attack_page()
    rates = {"clean_accuracy": 0.9, "lost": 0.01, "clean_models_rate": 0.1}
    reached = {"data": "MNIST", "seeds": 1, "asr": {"value": 0.5, "low": 0.4, "high": 0.6}, **rates}
    told = {"mislabel": [reached | {"setting": "once"}, reached | {"setting": "ten times"}]}
    (tmp_path / "measured.json").write_text(json.dumps(told))
    *_, part = attack_page().partition("## mislabel")
    part = part.partition("## ")[0]
    assert "\n- once (MNIST; one seed): success 50.0% (40.0% to 60.0%)" in part
    assert "\n- ten times (MNIST; one seed)" in part
