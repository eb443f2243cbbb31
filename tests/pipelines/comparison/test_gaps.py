"""A difference in words: what can be told apart, and which way is better."""

from __future__ import annotations

import pytest

from boomerang.scoring import Rate, rate
from pipelines.comparison.gaps import (
    SAME,
    Better,
    Gap,
    Line,
    Value,
    rate_gap,
    rate_value,
    say_between,
    say_gap,
    say_reach,
    say_value,
)


def line(old: Rate | None, new: Rate | None, better: Better = "low") -> Line:
    return Line("ASR", better, rate_value(old), rate_value(new), rate_gap(old, new))


def test_what_holds_0_cannot_be_told_apart() -> None:
    assert (line(rate(50, 100), rate(56, 100)).word, line(rate(50, 100), rate(56, 100)).tone) == (SAME, None)


@pytest.mark.parametrize(
    ("old", "new", "better", "word", "tone"),
    [
        (90, 10, "low", "lower", "good"),
        (90, 10, "high", "lower", "bad"),
        (10, 90, "low", "higher", "bad"),
        (10, 90, "high", "higher", "good"),
        (10, 90, "neither", "higher", None),
    ],
)
def test_what_can_be_told_apart_is_better_or_worse_for_the_defender(
    old: int, new: int, better: Better, word: str, tone: str | None
) -> None:
    found = line(rate(old, 100), rate(new, 100), better)
    assert (found.word, found.tone) == (word, tone)


def test_the_difference_is_the_second_less_the_first() -> None:
    gap = rate_gap(rate(48, 80), rate(56, 70))
    assert gap is not None and (gap.value, gap.low, gap.high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )


@pytest.mark.parametrize("pair", [(None, rate(1, 2)), (rate(1, 2), None), (rate(0, 0), rate(1, 2))])
def test_what_was_not_measured_is_a_dash_and_no_difference(pair: tuple[Rate | None, Rate | None]) -> None:
    found = line(*pair)
    assert found.gap is None and found.word == "" and found.tone is None
    assert say_gap(found.gap, "share") == "–" and say_reach(found.gap, "share") == ""
    assert "–" in (say_value(found.old, "share"), say_value(found.new, "share"))


def test_a_difference_without_an_interval_is_neither_told_apart_nor_the_same() -> None:
    found = Line("DER", "high", Value(0.5), Value(0.9), Gap(0.4), "")
    assert (found.word, found.tone) == ("", None)


def test_numbers_are_written_with_their_unit() -> None:
    number, gap = Value(0.25, 0.2, 0.3), Gap(-0.042, -0.0501, -0.03)
    assert (say_value(number, "share"), say_between(number, "share")) == ("25.0%", "20.0–30.0%")
    assert (say_gap(gap, "share"), say_reach(gap, "share")) == ("−4.2 points", "−5.0 to −3.0 points")
    assert (say_value(Value(12.0), "s"), say_between(Value(12.0), "s")) == ("12.0 s", "")
    assert (say_gap(Gap(0.25), ""), say_reach(Gap(0.25), "")) == ("+0.25", "")
