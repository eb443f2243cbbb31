"""How the checks of a definition name a place in it, and the words of what they find."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from boomerang.errors import ConfigError, nearest

# Stands where a step's name would, for what belongs to no step.
PIPELINE = "pipeline"

# The keys by which the entries of a list are called: `ProcessingInputs['train']`.
_NAMES = ("InputName", "OutputName", "ChannelName", "PropertyFileName")
_MOST_SHOWN = 12

# Kinds of a value that is one value.
SCALARS = ("text", "number", "boolean")


def below(field: str, key: str) -> str:
    """Return the name of a key inside a field; the field may be empty."""
    return f"{field}.{key}" if field else key


def entries(values: list[Any], field: str) -> Iterator[tuple[str, Any]]:
    """Yield each entry of a list with its field: by the entry's own name where it has one, else by index."""
    for index, value in enumerate(values):
        names = [value[key] for key in _NAMES if key in value] if isinstance(value, Mapping) else []
        yield f"{field}['{names[0]}']" if names else f"{field}[{index}]", value


def hint(word: object, known: Collection[object]) -> str:
    """Return the nearest known word, or all of them where they are few, as the end of a sentence."""
    found = nearest(str(word), map(str, known)) if known else ""
    return f"; {found}" if found.startswith("did") or 0 < len(known) <= _MOST_SHOWN else ""


def said(error: ConfigError) -> str:
    """Return an error as one line."""
    return "; ".join(part for part in (error.what, error.why, error.do) if part)


def kind_of(value: object) -> str:
    """Return what a JSON value is: `text`, `number`, `boolean`, `list`, `object` or `null`."""
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return "null"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (str, "text"),
    ((int, float), "number"),
    (list, "list"),
    (Mapping, "object"),
)
