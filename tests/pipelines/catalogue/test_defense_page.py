"""The page of the defenses has a row and a part of each, and says where each comes from."""

from __future__ import annotations

import re

from pipelines.catalogue.defense_page import defense_page
from pipelines.catalogue.defenses import places
from training.repair import REPAIRS


def test_every_defense_has_a_row_that_leads_to_its_part() -> None:
    page = defense_page()
    assert re.findall(r"^\| \[`(\w+)`\]\(#\1\) \|", page, re.M) == list(places())
    assert re.findall(r"^## (\w+)$", page, re.M) == list(places())
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1


def test_its_part_says_what_it_does_and_who_published_it() -> None:
    *_, part = defense_page().partition("## retrain\n")
    part = part.partition("\n## ")[0]
    assert "Train a fresh network on the rows that the screen kept" in part
    assert part.endswith(f"\n\nSource: {REPAIRS['retrain'].source}.\n")
