"""Thresholds: what trusted rows allow, and the share that is to go."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boomerang.scoring import conformal_threshold, rows_needed
from processing.defenses.common.threshold import (
    fpr_at_most,
    reached,
    top_rows,
)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.floats(0.002, 0.5))
def test_the_threshold_leaves_out_at_most_the_share(rows: int, max_fpr: float) -> None:
    clean = np.random.default_rng(rows).permutation(rows).astype(float)
    threshold = conformal_threshold(clean, max_fpr)
    if threshold is None:
        assert rows < ceil(1 / max_fpr - 1e-6) - 1 + 1e-9
    else:
        above = np.count_nonzero(clean > threshold)
        assert (above + 1) / (rows + 1) <= max_fpr + 1e-9
        assert (above + 2) / (rows + 1) > max_fpr - 1e-9


@settings(max_examples=50, deadline=None)
@given(st.floats(0.002, 0.5))
def test_with_the_rows_that_are_needed_there_is_a_threshold_and_with_fewer_none(max_fpr: float) -> None:
    needed = rows_needed(max_fpr)
    assert conformal_threshold(np.arange(float(needed)), max_fpr) is not None
    assert conformal_threshold(np.arange(needed - 1.0), max_fpr) is None


def test_of_equal_scores_the_earlier_rows_go() -> None:
    scores = np.array([9, 1, 5, 5, 5, 0.0])
    assert top_rows(scores, np.array([1, 2, 3, 4, 5]), 0.4).tolist() == [2, 3]
    assert top_rows(scores, np.array([1, 5]), 3).tolist() == [1, 5]
    assert top_rows(scores, np.zeros(0, np.int64), 0.5).tolist() == []


def test_a_threshold_is_asked_what_it_reaches_of_rows_that_did_not_set_it() -> None:
    """GIVEN the trusted rows of a fold lie higher THEN those are above what the others set."""
    clean = np.random.default_rng(0).random(500)
    assert 0.005 < (reached(clean, 0.02) or 0) < 0.04
    clean[::5] += 1
    assert (reached(clean, 0.02) or 0) > 0.15
    assert reached(clean[:20], 0.05) is None and conformal_threshold(clean[:20], 0.05) is not None


@pytest.mark.parametrize(("clean", "max_fpr"), [(199, 0.005), (1000, 0.005), (300, 0.05)])
def test_the_rate_of_one_set_of_clean_rows_stays_below_the_bound_in_95_of_100(
    clean: int, max_fpr: float
) -> None:
    rng = np.random.default_rng(clean)
    bound = fpr_at_most(clean, max_fpr) or 0
    rates = [1 - (conformal_threshold(rng.random(clean), max_fpr) or 0) for _ in range(4000)]
    assert abs(np.mean(np.array(rates) <= bound) - 0.95) < 0.015
    assert fpr_at_most(rows_needed(max_fpr) - 1, max_fpr) is None
