"""The report's charts put numbers where they belong."""

from __future__ import annotations

import re

import pytest

from pipelines.report.drawings import attack_class, bar, curve, histogram, roc, track

SCORES = {"edges": [0.0, 1.0, 2.0], "clean": [90, 9], "attacks": [[0, 7]], "center": None, "spread": None}


@pytest.mark.parametrize(("threshold", "shown"), [(1.0, 1), (2.5, 0), (None, 0)])
def test_a_threshold_is_drawn_where_it_lies_within_the_scores(threshold: float | None, shown: int) -> None:
    lines = re.findall(
        r'<line x1="(\d+)" x2="(\d+)" [^>]*class="limit"', histogram(SCORES, threshold, "scores")
    )
    assert lines == [("195", "195")] * shown, "the middle of an area from 40 to 350"


def test_an_empty_bin_has_no_outline() -> None:
    (path,) = re.findall(r'<path d="([^"]*)" class="area attack a-1"', histogram(SCORES, None, "scores"))
    assert path.startswith("M195.0 196"), "it begins at the second bin"


def test_a_roc_curve_runs_from_corner_to_corner() -> None:
    drawn = roc([("all", [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])], [0.5, 0.5], "curve")
    assert 'points="40.0,196.0 40.0,12.0 224.0,12.0"' in drawn
    assert '<circle cx="132" cy="104"' in drawn
    assert "circle" not in roc([], None, "curve")


def test_a_curve_runs_through_its_points_from_the_least_to_the_largest() -> None:
    drawn = curve([[0, 0.9], [10, 0.9], [20, 0.5]], "channels cut", "accuracy by channels cut")
    assert 'points="40.0,12.0 195.0,12.0 350.0,196.0"' in drawn and ">channels cut</text>" in drawn
    assert 'points="40.0,104.0 350.0,104.0"' in curve([[0, 1], [1, 1]], "x", "a flat one")


def test_a_rate_that_was_not_measured_leaves_its_line_empty() -> None:
    rate = {"value": 0.5, "low": 0.25, "high": 0.75}
    drawn = track([("baseline", rate), ("victim", None), ("hardened", {"value": None})], reference=rate)
    assert drawn.count('class="interval"') == drawn.count("<circle") == 1
    assert 'x1="25%" x2="75%"' in drawn and 'cx="50%"' in drawn


def test_the_shortest_work_can_still_be_seen() -> None:
    assert 'width="0.4%"' in bar(0.5, 0.0, cached=False)
    assert "cached" in bar(0.0, 1.0, cached=True)


def test_attacks_take_turns_with_the_colors() -> None:
    assert [attack_class(number) for number in (0, 1, 4, 5)] == ["a-0", "a-1", "a-4", "a-1 again"]
    assert len({attack_class(number) for number in range(9)}) == 9, "no two look alike"
