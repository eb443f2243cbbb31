"""Settings are worded from their types and docstrings, wherever in the family of a class they stand."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from pipelines.catalogue.setting_words import default_words, setting_texts, text_of, type_words
from processing.attacks import ATTACKS
from processing.attacks.common.base import Attack


class Parent(BaseModel):
    """What the parent does.

    Parameters
    ----------
    low, high : int
        Where it begins
        and ends.
    depth : float, optional
        How deep.
    """

    low: int = Field(default=1, ge=0, lt=9)
    high: int = 2
    depth: float | None = None


class Child(Parent):
    """What the child does.

    In two paragraphs.

    Parameters
    ----------
    low : int
        Where the child begins.
    depth
        See `Parent`.
    mode : str
        `one` or the `other`.
    """

    mode: Literal["one", "other"]
    rows: tuple[Annotated[int, Field(ge=0)], ...] = ()


def test_a_class_s_own_words_go_before_those_that_it_is_derived_from() -> None:
    assert setting_texts(Child) == {
        "low": "Where the child begins.",
        "high": "Where it begins and ends.",
        "depth": "How deep.",
        "mode": "`one` or the `other`.",
    }


def test_the_text_is_the_docstring_without_its_settings() -> None:
    assert text_of(Child) == "What the child does.\n\nIn two paragraphs."


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("low", "int (≥ 0, < 9)", "`1`"),
        ("depth", "float or None", "`None`"),
        ("mode", "one of `one`, `other`", "required"),
        ("rows", "tuple of int (≥ 0)", "`()`"),
    ],
)
def test_types_limits_and_defaults_are_as_a_person_writes_them(name: str, kind: str, default: str) -> None:
    field = Child.model_fields[name]
    assert (type_words(field), default_words(field)) == (kind, default)


@pytest.mark.parametrize("kind", ATTACKS)
def test_every_setting_of_an_attack_has_words(kind: str) -> None:
    shared = {*Attack.model_fields, "of"}
    texts = setting_texts(ATTACKS[kind])
    assert {name for name in ATTACKS[kind].model_fields if not texts.get(name)} <= shared
