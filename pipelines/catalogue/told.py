"""What a person is told of one kind of attack or defense, as both are told it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from boomerang.config import Strict
from boomerang.errors import UsageError, nearest
from pipelines.catalogue.setting_words import default_words, setting_texts, text_of, type_words

Found = TypeVar("Found")


@dataclass(frozen=True)
class Setting:
    """A setting, as it is explained."""

    name: str
    type: str
    default: str
    text: str


@dataclass(frozen=True)
class Told:
    """One kind, explained.

    Attributes
    ----------
    kind, title : str
    facts : tuple of (str, str)
        What the table says of it, and what it is beside, each below a heading.
    explanation : str
        See `explanation`.
    settings : tuple of Setting
    entry : str
        An entry to copy.
    measured : tuple of str
        What it reached where it was measured, a sentence each.
    """

    kind: str
    title: str
    facts: tuple[tuple[str, str], ...]
    explanation: str
    settings: tuple[Setting, ...]
    entry: str
    measured: tuple[str, ...] = ()


def find(kind: str, known: Mapping[str, Found], what: str) -> Found:
    """Return what is of a kind; raises UsageError, with the nearest known one, if there is none."""
    if kind not in known:
        raise UsageError(f"{what} '{kind}'", "there is none of this name", nearest(kind, known))
    return known[kind]


def kind_of(model: type[Strict]) -> str:
    """Return what a class is called in a config."""
    kind: str = model.model_fields["kind"].default
    return kind


def settings_of(model: type[Strict], beside: Collection[str] = ("kind",)) -> tuple[Setting, ...]:
    """Return the settings of a class: those that it must be given first, then those of its own.

    Parameters
    ----------
    model : type
    beside : collection of str
        Fields that are no settings.
    """
    texts = setting_texts(model)
    fields = {name: field for name, field in model.model_fields.items() if name not in beside}
    order = sorted(
        fields, key=lambda name: (not fields[name].is_required(), name not in model.__annotations__)
    )
    return tuple(
        Setting(name, type_words(fields[name]), default_words(fields[name]), texts.get(name, ""))
        for name in order
    )


def explanation(model: type[Strict]) -> str:
    """Return what the file of a class says of it, and what the class does."""
    source = inspect.cleandoc(sys.modules[model.__module__].__doc__ or "").split("\n\n")[0]
    return "\n\n".join(filter(None, (source, text_of(model))))


def toml_entry(section: str, settings: Mapping[str, Any]) -> str:
    """Return an entry of a list in TOML.

    >>> print(toml_entry("harden", {"kind": "retrain"}), end="")
    [[harden]]
    kind = "retrain"
    """
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join([f"[[{section}]]", *lines]) + "\n"
