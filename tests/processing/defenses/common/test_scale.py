"""Scores of several classes on the scale of their trusted rows."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common.scale import center_and_spread, center_and_tail, on_one_scale, rows_by_class

RNG = np.random.default_rng(0)


def test_classes_of_other_center_and_spread_become_alike() -> None:
    clean_y = np.repeat([0, 1], 500)
    clean = np.where(clean_y == 0, 3 + RNG.standard_normal(1000), -50 + 8 * RNG.standard_normal(1000))
    scores, scaled = on_one_scale(np.array([3.0, -50.0]), np.array([0, 1]), clean, clean_y)
    assert np.allclose(scores, 0, atol=0.2)
    for label in (0, 1):
        assert center_and_spread(scaled[clean_y == label]) == pytest.approx((0, 1))


def test_a_class_with_few_clean_rows_takes_the_scale_of_all() -> None:
    clean = RNG.standard_normal(100) * 4 + 2
    clean_y = np.repeat([0, 1], [97, 3])
    scores, _ = on_one_scale(np.array([5.0, 5.0]), np.array([1, 2]), clean, clean_y)
    center, spread = center_and_spread(clean)
    assert scores == pytest.approx([(5 - center) / spread] * 2)


@pytest.mark.parametrize("clean", [np.zeros(0), np.full(40, 2.0)], ids=["none", "no spread"])
def test_without_a_spread_scores_stay_finite(clean: np.ndarray) -> None:
    scores, _ = on_one_scale(np.array([1.0, 2.0]), np.array([0, 0]), clean, np.zeros(len(clean), np.int64))
    assert np.isfinite(scores).all() and scores[1] - scores[0] == 1


def test_the_spread_is_a_normal_distributions_standard_deviation() -> None:
    center, spread = center_and_spread(7 + 3 * RNG.standard_normal(100_000))
    assert (center, spread) == pytest.approx((7, 3), rel=0.02)


def test_the_arrays_given_are_left_alone() -> None:
    scores, clean = np.array([1.0]), np.arange(30.0)
    on_one_scale(scores, np.array([0]), clean, np.zeros(30, np.int64))
    assert scores.tolist() == [1] and clean.tolist() == list(range(30))


def test_rows_are_given_by_class_in_ascending_order() -> None:
    assert [rows.tolist() for rows in rows_by_class(np.array([2, 0, 2, 5]))] == [[1], [0, 2], [3]]


def test_by_their_tails_classes_have_their_highest_scores_in_the_same_place() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(4000) % 2
    scores = np.where(y == 0, rng.exponential(1, 4000) ** 2, 7 + rng.random(4000))
    high = {}
    for measure in (center_and_spread, center_and_tail):
        scaled, clean = on_one_scale(scores, y, scores, y, measure)
        assert np.array_equal(scaled, clean)
        high[measure] = [float(np.quantile(scaled[y == label], 0.95)) for label in (0, 1)]
    assert high[center_and_spread][0] > 3 * high[center_and_spread][1]
    assert np.allclose(high[center_and_tail], 1)
