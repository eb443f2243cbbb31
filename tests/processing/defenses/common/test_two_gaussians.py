"""Two normal distributions: the higher one goes, and one that explains the scores as well stays whole."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common.two_gaussians import upper_of_two


def test_the_higher_of_two_is_taken_and_said() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0, 1, 70), rng.normal(8, 1, 30)])
    high, notes = upper_of_two(scores)
    assert np.array_equal(high, np.arange(100) >= 70)
    assert notes["means"] == pytest.approx([0, 8], abs=0.4) and notes["shares"] == pytest.approx([0.7, 0.3])
    assert notes["bic"][1] < notes["bic"][0]


@pytest.mark.parametrize("seed", range(5))
def test_of_one_distribution_nothing_is_taken(seed: int) -> None:
    high, notes = upper_of_two(np.random.default_rng(seed).normal(3, 2, 200))
    assert not high.any() and notes["bic"][0] <= notes["bic"][1]


def test_a_wide_upper_one_does_not_take_what_is_lowest() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0, 0.1, 300), rng.normal(1, 3, 100)])
    high, _ = upper_of_two(scores)
    assert high.any() and scores[high].min() > 0 and scores.min() < -2


def test_few_scores_or_equal_ones_are_of_no_kind() -> None:
    assert upper_of_two(np.array([0.0, 1, 100])) == (pytest.approx(np.zeros(3)), {})
    assert not upper_of_two(np.ones(50))[0].any()
