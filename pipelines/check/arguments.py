"""Reading a step's arguments before anybody knows that they are of the right types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.language.graph import Node

OUTPUTS = "ProcessingOutputConfig.Outputs"


def at(node: Node, field: str) -> Any:
    """Return what is at a field of a step's arguments, such as `OutputDataConfig.KmsKeyId`, or None."""
    return inside(node.arguments, field)


def inside(value: Any, field: str) -> Any:
    """Return what is at a field of any value, or None."""
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def listed(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; of anything else, none."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def names(value: Any, key: str) -> list[str]:
    """Return how the entries of a list are called by one of their keys."""
    return [str(entry[key]) for entry in listed(value) if key in entry]
