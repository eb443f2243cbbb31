"""Numbers of a matrix in words: a value keeps its unit, an interval and a spread are told apart."""

from __future__ import annotations

import doctest

import pytest

from pipelines.matrix import figures
from pipelines.matrix.document import Difference, Number


def test_the_examples_are_so() -> None:
    tried = doctest.testmod(figures)
    assert (tried.attempted, tried.failed) == (4, 0)


def test_an_interval_is_written_apart_from_the_spread_of_the_seeds() -> None:
    number = Number(value=0.5, by_seed={"0": 0.4, "1": 0.6}, low=0.45, high=0.55, successes=50, total=100)
    assert figures.interval(number, "share") == "45.0–55.0%"
    assert figures.spread(number, "share") == "40.0…60.0%"
    assert figures.counted(number) == "50 of 100"


def test_what_is_not_there_is_empty() -> None:
    number = Number(value=3, by_seed={"0": 3})
    assert figures.interval(number, "rows") == figures.spread(number, "rows") == figures.counted(number) == ""
    assert figures.difference(None, "share") is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9999, "share", ">99.9%"),
        (0.0, "share", "0.0%"),
        (12.34, "s", "12.3 s"),
        (40, "rows", "40"),
        (40.5, "rows", "40.5"),
        (-0.25, "", "−0.25"),
    ],
)
def test_a_value_has_its_unit(value: float, unit: str, text: str) -> None:
    assert figures.figure(value, unit) == text


def test_a_difference_has_its_sign_its_interval_and_its_spread() -> None:
    found = Difference(value=-0.942, least=-0.95, most=-0.931, low=-0.961, high=-0.92)
    assert figures.difference(found, "share") == {
        "text": "−94.2 points",
        "interval": "−96.1 to −92.0 points",
        "spread": "−95.0 to −93.1 points",
    }
    alone = Difference(value=12, least=12, most=12)
    assert figures.difference(alone, "MB") == {"text": "+12 MB", "interval": "", "spread": ""}
