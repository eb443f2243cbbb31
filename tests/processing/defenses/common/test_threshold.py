"""Thresholds: what trusted rows allow, and the share that is to go."""

from __future__ import annotations

from math import ceil

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.defenses.common.threshold import conformal_threshold, rows_needed, top_rows


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
