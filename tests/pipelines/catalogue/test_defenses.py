"""What a defense says of itself is there, and the entry to copy is one that the range takes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from boomerang.config import Spec
from boomerang.errors import UsageError
from pipelines.campaign.entry import load
from pipelines.campaign.sections import Config
from pipelines.catalogue.defenses import (
    HEADINGS,
    PLACES,
    Place,
    defenses,
    entry_to_copy,
    places,
    table_row,
    tell_defense,
)
from processing.defenses.screening import DETECTORS
from training.inference import INFERENCE
from training.repair import REPAIRS

EVERY = [(place, kind) for place in PLACES for kind in place.kinds]
every_kind = pytest.mark.parametrize(("place", "kind"), EVERY, ids=[kind for _, kind in EVERY])


def listed(config: Config, place: Place) -> tuple[Spec, ...]:
    """The list of an entry that the defenses of a place stand in."""
    lists = {
        "screen.detectors": config.screen.detectors,
        "harden": config.harden,
        "inference": config.inference,
    }
    return lists[place.section]


def test_all_three_sorts_are_there_and_no_name_is_two_defenses() -> None:
    names = [kind for _, kind in EVERY]
    assert names == [*DETECTORS, *REPAIRS, *INFERENCE]
    assert len(names) == len(set(names)), (
        "`defenses NAME` could not tell which; call one of them another name"
    )
    assert list(places()) == names and [row[0] for row in map(table_row, defenses())] == names


@every_kind
@pytest.mark.parametrize("what", ["title", "source", "assumes", "costs", "fails"])
def test_every_kind_says_what_it_is_assumes_costs_and_fails_at(place: Place, kind: str, what: str) -> None:
    said = getattr(place.kinds[kind], what, "")
    assert isinstance(said, str) and said, f"give {kind} a class attribute `{what}`"
    assert said == " ".join(said.split()) and not said.endswith("."), f"`{what}` has no final stop"
    assert "|" not in said, "it would be another cell of the page"


@every_kind
def test_every_defense_has_a_row(place: Place, kind: str) -> None:
    made = place.kinds[kind]
    row = dict(zip(HEADINGS, table_row(made), strict=True))
    assert row == {
        "kind": kind,
        "what it is": made.title,
        "where": place.name,
        "assumes": made.assumes,
        "costs": made.costs,
        "fails at": made.fails,
    }


@every_kind
def test_the_entry_to_copy_is_taken_with_the_bundled_data(place: Place, kind: str, tmp_path: Path) -> None:
    """As a user's file, all of it checked as before a run; it is what the kind alone would have given."""
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\n[data]\nsource = "synthetic"\n\n{entry_to_copy(kind)}')
    (copied,) = listed(load(str(file)), place)
    assert place.kinds.create(copied) == place.kinds.create(Spec(kind=kind))


@every_kind
def test_the_entry_to_copy_has_every_setting_that_has_a_value(place: Place, kind: str) -> None:
    copied = tomllib.loads(entry_to_copy(kind))
    for part in place.section.split("."):
        copied = copied[part]
    (entry,) = copied
    made = place.kinds.create(Spec(kind=kind))
    assert entry.keys() == {name for name, value in made.model_dump().items() if value is not None}


@every_kind
def test_a_defense_is_explained_with_its_source_and_all_of_its_settings(place: Place, kind: str) -> None:
    told = tell_defense(kind)
    assert told.title == place.kinds[kind].title
    assert [heading for heading, _ in told.facts] == [*HEADINGS[2:], "source"]
    assert told.facts[0] == ("where", place.name)
    assert dict(told.facts)["source"] == place.kinds[kind].source
    assert {each.name for each in told.settings} == place.kinds[kind].model_fields.keys() - {"kind"}
    assert len(told.explanation.split("\n\n")) >= 2


def test_a_name_that_is_not_known_gets_the_nearest_of_all_three_sorts() -> None:
    for mistyped, nearest in (
        ("spectral_signature", "spectral_signatures"),
        ("retrian", "retrain"),
        ("spatial_smooth", "spatial_smoothing"),
    ):
        with pytest.raises(UsageError) as refused:
            tell_defense(mistyped)
        assert f"defense '{mistyped}': there is none of this name" in str(refused.value)
        assert f"did you mean '{nearest}'?" in str(refused.value)
