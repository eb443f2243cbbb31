"""The numbers, held against published values and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boomerang import metrics
from boomerang.metrics import Rate, rate


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # Newcombe 1998, Table I, method 3 (the score method without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_the_published_ones(successes: int, total: int, low: float, high: float) -> None:
    found = rate(successes, total)
    assert found.low == pytest.approx(low, abs=5e-5) and found.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_rate_and_mirrors(case: tuple[int, int]) -> None:
    k, n = case
    here, mirrored = rate(k, n), rate(n - k, n)
    assert here.low is not None and here.high is not None and here.value is not None
    assert 0 <= here.low <= here.value <= here.high <= 1
    assert mirrored.high == pytest.approx(1 - here.low)


@settings(deadline=None)  # the first one imports scipy
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_is_scipy_s(case: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    k, n = case
    found, wanted = rate(k, n), binomtest(k, n).proportion_ci(method="wilson")
    assert found.low == pytest.approx(wanted.low, abs=1e-9)
    assert found.high == pytest.approx(wanted.high, abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    # Newcombe 1998 (Statistics in Medicine 17, 873-890), Table II, method 10 (score, without correction).
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_intervals_of_a_difference_are_the_published_ones(
    a: tuple[int, int], b: tuple[int, int], low: float, high: float
) -> None:
    found = metrics.difference(rate(*a), rate(*b))
    assert found == pytest.approx((a[0] / a[1] - b[0] / b[1], low, high), abs=5e-5)


RATES = st.integers(1, 10_000).flatmap(lambda n: st.builds(rate, st.integers(0, n), st.just(n)))


@given(RATES, RATES)
def test_a_difference_lies_in_its_interval_and_the_other_way_round_it_mirrors(a: Rate, b: Rate) -> None:
    value, low, high = metrics.difference(a, b)
    assert -1 - 1e-12 <= low <= value <= high <= 1 + 1e-12
    assert metrics.difference(b, a) == pytest.approx((-value, -high, -low))


def test_what_was_not_measured_has_no_difference() -> None:
    with pytest.raises(ValueError, match="not measured"):
        metrics.difference(rate(1, 2), rate(0, 0))


def test_nothing_measured_is_none_and_not_zero() -> None:
    assert rate(0, 0).value is None


def test_more_successes_than_cases_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        rate(3, 2)


def test_confusion_counts_rows_by_true_class() -> None:
    table = metrics.confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), 3)
    assert table.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


SCORES = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60)


@settings(deadline=None)
@given(SCORES)
def test_auroc_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = np.array([float(score) for score, _ in rows])
    positive = np.array([flag for _, flag in rows])
    if not positive.any():
        assert metrics.auroc(scores, positive) is None and metrics.average_precision(scores, positive) is None
        return
    assert metrics.average_precision(scores, positive) == pytest.approx(
        average_precision_score(positive, scores)
    )
    if positive.all():
        assert metrics.auroc(scores, positive) is None
    else:
        assert metrics.auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


@pytest.mark.parametrize(
    ("asr_drop", "accuracy_drop", "der"),
    [(1, 0, 1), (0, 0, 0.5), (0, 1, 0), (0.9, 0.02, 0.94), (-1, -1, 0.5)],
)
def test_defense_effectiveness(asr_drop: float, accuracy_drop: float, der: float) -> None:
    assert metrics.defense_effectiveness(asr_drop, accuracy_drop) == pytest.approx(der)


@pytest.mark.parametrize(
    ("y", "predicted", "expected"),
    [([0, 0, 0, 1], [0, 0, 0, 0], 0.5), ([0, 1, 2], [0, 1, 2], 1.0), ([0, 0, 1, 1], [0, -1, 1, 1], 0.75)],
)
def test_balanced_accuracy_gives_each_class_the_same_weight(
    y: list[int], predicted: list[int], expected: float
) -> None:
    assert metrics.balanced_accuracy(np.array(y), np.array(predicted)) == expected


def test_balanced_accuracy_of_nothing_is_none() -> None:
    assert metrics.balanced_accuracy(np.array([], int), np.array([], int)) is None
