"""What an attack says of itself: its row of the table, its settings, an entry to copy."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from boomerang.config import Spec
from boomerang.errors import UsageError, nearest
from pipelines.catalogue.setting_words import default_words, setting_texts, text_of, type_words
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


@dataclass(frozen=True)
class Setting:
    """A setting of an attack, as it is explained."""

    name: str
    type: str
    default: str
    text: str


def find_attack(kind: str) -> type[Attack]:
    """Return the attack of a kind; raises UsageError, with the nearest known one, if there is none."""
    if kind not in ATTACKS:
        raise UsageError(f"attack '{kind}'", "there is none of this name", nearest(kind, ATTACKS))
    return ATTACKS[kind]


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


def kind_of(attack: type[Attack]) -> str:
    """Return what an attack is called in a config."""
    kind: str = attack.model_fields["kind"].default
    return kind


def rows_words(attack: type[Attack]) -> str:
    """Return how it is said which rows an attack takes: by a rate of what, one by one, or otherwise."""
    fields = attack.model_fields
    wholes = [_WHOLES[each] for each in get_args(fields["of"].annotation)] if "of" in fields else []
    rate = " of ".join(("a rate", " or ".join(wholes))) if wholes else "a rate"
    ways = [rate] if "rate" in fields else []
    ways += ["one by one"] if "rows" in fields else []
    other = "every picture of a set" if "pictures" in attack.needs else "a number, see its settings"
    return ", or ".join(ways) or other


def settings_of(attack: type[Attack]) -> list[Setting]:
    """Return the settings of an attack: those that it must be given first, then those of its own."""
    texts = setting_texts(attack)
    fields = {name: field for name, field in attack.model_fields.items() if name not in Attack.model_fields}
    order = sorted(
        fields, key=lambda name: (not fields[name].is_required(), name not in attack.__annotations__)
    )
    return [
        Setting(name, type_words(fields[name]), default_words(fields[name]), texts.get(name, ""))
        for name in order
    ]


def explanation(attack: type[Attack]) -> str:
    """Return what the attack's file says of it, the paper among it, and what its class does."""
    source = inspect.cleandoc(sys.modules[attack.__module__].__doc__ or "").split("\n\n")[0]
    return "\n\n".join(filter(None, (source, text_of(attack))))


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
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"kind": kind, **example}.items()]
    return pictures + "\n".join(["[[attacks]]", *lines]) + "\n"
