"""What a defense says of itself: its row of the table, how it is explained, an entry to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from boomerang.config import Spec
from boomerang.kinds import Kinds
from pipelines.catalogue.told import Told, explanation, find, kind_of, settings_of, toml_entry
from processing.defenses.common.base import Detector
from processing.defenses.screening import DETECTORS
from training.inference import INFERENCE
from training.inference.common.base import InferenceDefense
from training.repair import REPAIRS
from training.repair.common.base import Repair

Defense: TypeAlias = Detector | Repair | InferenceDefense

HEADINGS = ("kind", "what it is", "where", "assumes", "costs", "fails at")


@dataclass(frozen=True)
class Place:
    """Where defenses work.

    Attributes
    ----------
    name : str
        As the table calls it.
    section : str
        The list of an entry that they stand in.
    kinds : Kinds
    """

    name: str
    section: str
    kinds: Kinds[Any]


# In the order in which they meet a poison.
PLACES = (
    Place("screen", "screen.detectors", DETECTORS),
    Place("harden", "harden", REPAIRS),
    Place("inference", "inference", INFERENCE),
)


def places() -> dict[str, Place]:
    """Return the kinds of all defenses, each with where it works; none is imported for that."""
    return {kind: place for place in PLACES for kind in place.kinds}


def defenses() -> list[type[Defense]]:
    """Return all defenses, by where they work."""
    return [defense for place in PLACES for defense in place.kinds.values()]


def table_row(defense: type[Defense]) -> tuple[str, ...]:
    """Return what the table says of a defense, by `HEADINGS`."""
    kind = kind_of(defense)
    said = defense.assumes, defense.costs, defense.fails
    return kind, defense.title, places()[kind].name, *said


def tell_defense(kind: str) -> Told:
    """Return a defense explained; raises UsageError, with the nearest known one, if there is none."""
    place = find(kind, places(), "defense")
    defense: type[Defense] = place.kinds[kind]
    said = zip(HEADINGS[2:], table_row(defense)[2:], strict=True)
    return Told(
        kind,
        defense.title,
        (*said, ("source", defense.source)),
        explanation(defense),
        settings_of(defense),
        entry_to_copy(kind),
    )


def entry_to_copy(kind: str) -> str:
    """Return an entry of the defense's list in TOML, with each setting at its default."""
    place = places()[kind]
    settings = place.kinds.create(Spec(kind=kind)).model_dump(mode="json", exclude_none=True)
    return toml_entry(place.section, settings)
