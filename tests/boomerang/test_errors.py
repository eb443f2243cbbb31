"""The error tree: what, why, what to do, and the exit code."""

from __future__ import annotations

import re

import boomerang.errors
from boomerang.errors import BadInput, BoomerangError, nearest


def test_an_error_says_what_why_and_what_to_do() -> None:
    assert str(BadInput("x.png", "it is broken", "fetch it again")) == "x.png: it is broken\n  fetch it again"
    assert str(BadInput("x.png")) == "x.png"


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"── (\w+) +(\d+)", boomerang.errors.__doc__ or ""))
    real = {
        name: str(kind.exit_code)
        for name, kind in vars(boomerang.errors).items()
        if isinstance(kind, type) and issubclass(kind, BoomerangError) and kind is not BoomerangError
    }
    assert drawn == real


def test_the_nearest_word_or_all_of_them() -> None:
    assert nearest("patc", ["patch", "flip"]) == "did you mean 'patch'?"
    assert nearest("zzz", ["patch", "flip"]) == "known: flip, patch"
