"""Two normal distributions: the higher one goes, and one that explains the scores as well stays whole."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common.two_gaussians import upper_of_two


def test_the_higher_of_two_is_taken_and_said() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(4, 0.5, 70), rng.normal(8, 0.5, 30)])
    high, notes = upper_of_two(scores, guard=True)
    assert np.array_equal(high, np.arange(100) >= 70)
    assert notes["means"] == pytest.approx([4, 8], abs=0.3) and notes["shares"] == pytest.approx([0.7, 0.3])
    assert notes["bic"][1] < notes["bic"][0]


@pytest.mark.parametrize("seed", range(5))
def test_of_one_distribution_with_a_long_tail_the_guard_takes_nothing(seed: int) -> None:
    scores = np.random.default_rng(seed).lognormal(0, 0.8, 200)
    assert upper_of_two(scores, guard=False)[0].any(), "as published it cuts whatever there is"
    high, notes = upper_of_two(scores, guard=True)
    assert not high.any() and notes["bic"][0] <= notes["bic"][1]


def test_a_wide_upper_one_does_not_take_what_is_lowest() -> None:
    rng = np.random.default_rng(0)
    scores = np.abs(np.concatenate([rng.normal(5, 0.1, 300), rng.normal(6, 2, 100)]))
    high, _ = upper_of_two(scores, guard=True)
    assert high.any() and scores[high].min() > 5 and scores.min() < 3


def test_few_scores_or_equal_ones_are_of_no_kind() -> None:
    assert upper_of_two(np.array([0.0, 1, 100]), guard=False) == (pytest.approx(np.zeros(3)), {})
    assert not upper_of_two(np.ones(50), guard=False)[0].any()
