"""What is told of any kind: its settings, what its file and class say, an entry of a list."""

from __future__ import annotations

import tomllib
from typing import Literal

import pytest

from boomerang.config import Strict
from boomerang.errors import UsageError
from pipelines.catalogue.told import Setting, explanation, find, kind_of, settings_of, toml_entry


class Parent(Strict):
    """What the parent does.

    Attributes
    ----------
    deep : int
        How deep.
    """

    deep: int = 1
    name: str = ""


class Child(Parent):
    """What the child does.

    Attributes
    ----------
    wide, long : float
        How large.
    """

    kind: Literal["child"] = "child"
    wide: float = 0.5
    long: float


def test_settings_are_what_must_be_given_then_its_own_then_those_of_the_family() -> None:
    assert settings_of(Child, ("kind", "name")) == (
        Setting("long", "float", "required", "How large."),
        Setting("wide", "float", "`0.5`", "How large."),
        Setting("deep", "int", "`1`", "How deep."),
    )
    assert kind_of(Child) == "child"


def test_it_is_explained_by_its_file_and_its_class() -> None:
    assert explanation(Child) == f"{__doc__}\n\nWhat the child does."


def test_what_is_not_known_gets_the_nearest() -> None:
    known = {"retrain": 1, "prune": 2}
    assert find("prune", known, "defense") == 2
    with pytest.raises(UsageError) as refused:
        find("retrian", known, "defense")
    assert str(refused.value).splitlines() == [
        "defense 'retrian': there is none of this name",
        "  did you mean 'retrain'?",
    ]


def test_an_entry_is_toml_with_the_same_values() -> None:
    settings = {"kind": "a", "words": 'one "two"', "rate": 1e-05, "on": True, "sizes": [1, 2]}
    assert tomllib.loads(toml_entry("screen.detectors", settings)) == {"screen": {"detectors": [settings]}}
