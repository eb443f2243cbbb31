"""What attacks are filed under stands in the published lists, by that name and in the version given."""

from __future__ import annotations

import json

import pytest
from helpers.ranges import ROOT

from processing.attacks import ATTACKS
from processing.attacks.common import references as known
from processing.attacks.common.references import VERSIONS, cited

PUBLISHED = json.loads((ROOT / "tests" / "fixtures" / "taxonomies.json").read_text())
ENTRIES = [entry for entry in vars(known).values() if isinstance(entry, tuple)]


def test_the_versions_are_those_of_the_published_lists() -> None:
    assert {taxonomy: each["version"] for taxonomy, each in PUBLISHED.items()} == VERSIONS


@pytest.mark.parametrize(("taxonomy", "entry"), ENTRIES)
def test_an_entry_stands_in_its_list_under_that_name(taxonomy: str, entry: str) -> None:
    number, _, name = entry.partition(" ")
    assert PUBLISHED[taxonomy]["entries"][number] == name


@pytest.mark.parametrize("kind", ATTACKS)
def test_what_an_attack_cites_stands_in_the_lists(kind: str) -> None:
    found = cited(ATTACKS[kind].references)
    assert {each["taxonomy"] for each in found} == PUBLISHED.keys()
    for each in found:
        published = PUBLISHED[each["taxonomy"]]
        assert each["version"] == published["version"]
        assert published["entries"][each["id"]] == each["name"]
