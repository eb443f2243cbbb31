"""What an attack says of itself: its row of the table, how it is explained, an entry to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from boomerang.config import Spec
from pipelines.catalogue.expected import figures_of, say_reached
from pipelines.catalogue.told import Told, explanation, find, kind_of, settings_of, toml_entry
from processing.attacks import ATTACKS
from processing.attacks.common.base import Attack
from processing.attacks.common.recipe import create
from processing.attacks.common.references import cited

HEADINGS = ("kind", "what it is", "outcome", "needs", "labels", "rows", "MITRE ATLAS", "NIST AI 100-2")

# What the examples, which are the tests' too, call things that come with the project by other names.
PICTURES, IMAGE = "rutan-boomerang", "cyan-square"
_PICTURES_ENTRY = f"""[[pictures]]
name = "{PICTURES}"
path = "images/{PICTURES}"
label = "airplane"

"""
_WHOLES = {"train": "the training set", "class": "a class"}


def find_attack(kind: str) -> type[Attack]:
    """Return the attack of a kind; raises UsageError, with the nearest known one, if there is none."""
    return find(kind, ATTACKS, "attack")


def tell_attack(kind: str) -> Told:
    """Return an attack explained; raises UsageError, with the nearest known one, if there is none."""
    attack = find_attack(kind)
    cells = zip(HEADINGS[2:6], table_row(attack)[2:6], strict=True)
    said = [(heading, cell or "nothing") for heading, cell in cells]
    ids = [
        (f"{each['taxonomy']} {each['version']}", f"{each['id']} {each['name']}")
        for each in cited(attack.references)
    ]
    return Told(
        kind,
        attack.title,
        (*said, *ids),
        explanation(attack),
        settings_of(attack, {"kind", "name"}),
        entry_to_copy(kind),
        tuple(say_reached(each) for each in figures_of(kind)),
    )


def table_row(attack: type[Attack]) -> tuple[str, ...]:
    """Return what the table says of an attack, by `HEADINGS`."""
    ids = {
        name: ", ".join(each["id"] for each in cited(attack.references) if each["taxonomy"] == name)
        for name in HEADINGS[-2:]
    }
    needs = ", ".join((*attack.needs, *(("the training itself",) if attack.takes_over else ())))
    return (
        kind_of(attack),
        attack.title,
        attack.outcome,
        needs,
        "kept" if attack.keeps_labels else "changed",
        rows_words(attack),
        *ids.values(),
    )


def rows_words(attack: type[Attack]) -> str:
    """Return how it is said which rows an attack takes: by a rate of what, one by one, or otherwise."""
    fields = attack.model_fields
    wholes = [_WHOLES[each] for each in get_args(fields["of"].annotation)] if "of" in fields else []
    rate = " of ".join(("a rate", " or ".join(wholes))) if wholes else "a rate"
    ways = [rate] if "rate" in fields else []
    ways += ["one by one"] if "rows" in fields else []
    other = "every picture of a set" if "pictures" in attack.needs else "a number, see its settings"
    return ", or ".join(ways) or other


def example_of(kind: str) -> Mapping[str, Any]:
    """Return the example of an attack, with the pictures and the trigger that come with the project."""
    example = dict(ATTACKS[kind].example)
    attack = create_example(kind, example)
    bundled = dict.fromkeys(attack.picture_sets(), PICTURES) | dict.fromkeys(attack.image_names(), IMAGE)
    return {
        key: bundled.get(value, value) if isinstance(value, str) else value for key, value in example.items()
    }


def create_example(kind: str, example: Mapping[str, Any]) -> Attack:
    """Return an attack with these settings."""
    return create(Spec.model_validate({"kind": kind, **example}))


def entry_to_copy(kind: str) -> str:
    """Return an entry of a recipe in TOML, which the bundled data can be attacked with."""
    example = example_of(kind)
    pictures = _PICTURES_ENTRY if create_example(kind, example).picture_sets() else ""
    return pictures + toml_entry("attacks", {"kind": kind, **example})
