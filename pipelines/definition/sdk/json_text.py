"""JSON as one text, of which parts are known only at run time.

They are joined into it as they are, so they must hold nothing that JSON would escape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.definition.sdk.imports import Join
from pipelines.definition.sdk.jobs import Variable


@dataclass(frozen=True)
class Text:
    """A text of which parts are known only at run time."""

    parts: tuple[str | Variable, ...]


def joined(value: Any) -> Join:
    """Return JSON with variables in it as one text, adjoining parts that are known as one."""
    values: list[str | Variable] = []
    for piece in _pieces(value):
        if values and isinstance(piece, str) and isinstance(values[-1], str):
            values[-1] += piece
        else:
            values.append(piece)
    return Join(on="", values=values)


def _pieces(value: Any) -> Iterator[str | Variable]:
    if isinstance(value, Mapping):
        for index, (key, inner) in enumerate(value.items()):
            yield f"{', ' if index else '{'}{json.dumps(key)}: "
            yield from _pieces(inner)
        yield "}"
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield ", " if index else "["
            yield from _pieces(inner)
        yield "]"
    elif isinstance(value, Text):
        yield '"'
        for part in value.parts:
            yield json.dumps(part)[1:-1] if isinstance(part, str) else part
        yield '"'
    else:
        yield json.dumps(value) if isinstance(value, str) else value
