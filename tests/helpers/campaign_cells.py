"""Campaigns of a few cells: attacks x defenses, some of them of other shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.definitions import FLIP, PATCH, config
from pipelines.campaign.member import Member

NOTHING: dict[str, Any] = {"harden": []}
RETRAIN: dict[str, Any] = {"harden": [{"kind": "retrain"}]}
ATTACKS = {"flip": FLIP, "patch": PATCH}
DEFENSES = {"nothing": NOTHING, "retrain": RETRAIN}


def cells(pictures: Path | None = None, **sections: Any) -> list[Member]:
    """Return two attacks by two defenses."""
    return [
        Member(f"{attack}-{defense}", config(pictures, attacks=[recipe], **settings, **sections))
        for attack, recipe in ATTACKS.items()
        for defense, settings in DEFENSES.items()
    ]


def loop(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """The arguments of a `ForEach` step, to be read or changed in place."""
    found: dict[str, Any] = next(step["Arguments"] for step in definition["Steps"] if step["Name"] == name)
    return found


def bodies(definition: dict[str, Any]) -> dict[str, tuple[int, list[str]]]:
    """How many items each step has, and the steps of its body."""
    loops = [(step["Name"], step["Arguments"]) for step in definition["Steps"]]
    return {
        name: (len(each["IterableItems"]), [step["Name"] for step in each["ForEachBody"]])
        for name, each in loops
    }


def body(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """A step of some body, to be read or changed in place."""
    steps = [step for each in definition["Steps"] for step in each["Arguments"].get("ForEachBody", [])]
    found: dict[str, Any] = next(step for step in steps if step["Name"] == name)
    return found
