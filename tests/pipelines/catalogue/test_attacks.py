"""What an attack says of itself is what it is, and the entry to copy is one that the range takes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from boomerang.errors import UsageError
from pipelines.campaign.entry import load
from pipelines.catalogue.attacks import (
    HEADINGS,
    entry_to_copy,
    example_of,
    find_attack,
    rows_words,
    table_row,
    tell_attack,
)
from processing.attacks import ATTACKS


@pytest.mark.parametrize("kind", ATTACKS)
def test_every_attack_has_a_row(kind: str) -> None:
    row = dict(zip(HEADINGS, table_row(ATTACKS[kind]), strict=True))
    assert row["kind"] == kind and row["what it is"] == ATTACKS[kind].title
    assert row["labels"] in ("kept", "changed") and row["rows"]
    assert row["MITRE ATLAS"].startswith("AML.") and row["NIST AI 100-2"].startswith("NISTAML.")


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_entry_to_copy_is_taken_with_the_bundled_data(kind: str, tmp_path: Path) -> None:
    """As a user's file, and all of it checked as before a run; a bundled path counts from the project."""
    text = entry_to_copy(kind)
    (copied,) = tomllib.loads(text)["attacks"]
    assert copied == {"kind": kind, **example_of(kind)}
    root = Path(__file__).resolve().parents[3]
    text = text.replace('"images/', f'"{root}/images/')
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n[data]\nsource = "synthetic"\n\n{text}')
    (attack,) = load(str(tmp_path / "mine.toml")).attacks
    assert attack.kind == kind


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_is_explained_with_all_of_its_settings(kind: str) -> None:
    told = tell_attack(kind)
    assert {each.name for each in told.settings} == ATTACKS[kind].model_fields.keys() - {"kind", "name"}
    required = [each.default == "required" for each in told.settings]
    assert required == sorted(required, reverse=True), "what must be given stands first"
    assert len(told.explanation.split("\n\n")) >= 2
    assert (told.kind, told.title, told.entry) == (kind, ATTACKS[kind].title, entry_to_copy(kind))


def test_what_the_table_says_is_told_with_the_ids_in_words() -> None:
    facts = tell_attack("mislabel").facts
    assert facts[:4] == (
        ("outcome", "targeted"),
        ("needs", "pictures"),
        ("labels", "changed"),
        ("rows", "every picture of a set"),
    )
    assert ("MITRE ATLAS 2026.09", "AML.T0020 Training Data Poisoning") in facts[4:]
    assert ("needs", "nothing") in tell_attack("badnets").facts


def test_rows_are_said_by_how_they_are_named() -> None:
    said = {kind: rows_words(ATTACKS[kind]) for kind in ("badnets", "label_flip_random", "mislabel")}
    assert said == {
        "badnets": "a rate of the training set or a class, or one by one",
        "label_flip_random": "a rate of the training set, or one by one",
        "mislabel": "every picture of a set",
    }


def test_a_name_that_is_not_known_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="attack 'badnet': there is none of this name"):
        find_attack("badnet")
    try:
        find_attack("badnet")
    except UsageError as error:
        assert "did you mean 'badnets'?" in str(error)
