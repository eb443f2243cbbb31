"""Answers and scores held against the labels, and rates: against published values and other libraries."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boomerang import scoring
from boomerang.scoring import Rate, rate


def test_confusion_counts_rows_by_true_class() -> None:
    table = scoring.confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), 3)
    assert table.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


SCORES = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60)


@settings(deadline=None)
@given(SCORES)
def test_auroc_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = np.array([float(score) for score, _ in rows])
    positive = np.array([flag for _, flag in rows])
    if not positive.any():
        assert scoring.auroc(scores, positive) is None and scoring.average_precision(scores, positive) is None
        return
    assert scoring.average_precision(scores, positive) == pytest.approx(
        average_precision_score(positive, scores)
    )
    if positive.all():
        assert scoring.auroc(scores, positive) is None
    else:
        assert scoring.auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


@pytest.mark.parametrize(
    ("y", "predicted", "expected"),
    [([0, 0, 0, 1], [0, 0, 0, 0], 0.5), ([0, 1, 2], [0, 1, 2], 1.0), ([0, 0, 1, 1], [0, -1, 1, 1], 0.75)],
)
def test_balanced_accuracy_gives_each_class_the_same_weight(
    y: list[int], predicted: list[int], expected: float
) -> None:
    assert scoring.balanced_accuracy(np.array(y), np.array(predicted)) == expected


def test_balanced_accuracy_of_nothing_is_none() -> None:
    assert scoring.balanced_accuracy(np.array([], int), np.array([], int)) is None


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
    found = scoring.difference(rate(*a), rate(*b))
    assert found == pytest.approx((a[0] / a[1] - b[0] / b[1], low, high), abs=5e-5)


RATES = st.integers(1, 10_000).flatmap(lambda n: st.builds(rate, st.integers(0, n), st.just(n)))


@given(RATES, RATES)
def test_a_difference_lies_in_its_interval_and_the_other_way_round_it_mirrors(a: Rate, b: Rate) -> None:
    value, low, high = scoring.difference(a, b)
    assert -1 - 1e-12 <= low <= value <= high <= 1 + 1e-12
    assert scoring.difference(b, a) == pytest.approx((-value, -high, -low))


def test_what_was_not_measured_has_no_difference() -> None:
    with pytest.raises(ValueError, match="not measured"):
        scoring.difference(rate(1, 2), rate(0, 0))


def test_nothing_measured_is_none_and_not_zero() -> None:
    assert rate(0, 0).value is None


def test_more_successes_than_cases_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        rate(3, 2)


@pytest.mark.parametrize(
    ("asr_drop", "accuracy_drop", "der"),
    [(1, 0, 1), (0, 0, 0.5), (0, 1, 0), (0.9, 0.02, 0.94), (-1, -1, 0.5)],
)
def test_defense_effectiveness(asr_drop: float, accuracy_drop: float, der: float) -> None:
    assert scoring.defense_effectiveness(asr_drop, accuracy_drop) == pytest.approx(der)


@pytest.mark.parametrize(
    ("before_after", "expected"),
    [
        ((0.8, 0.4, 1.0, 0.5), 0.25),
        ((0.9, 0.0, 0.9, 0.9), 1.0),
        ((0.9, 0.0, 0.5, 0.9), 1.0),
        ((0.2, 0.9, 0.9, 0.9), 0.0),
        ((0.0, 0.0, 0.9, 0.9), None),
        ((0.9, 0.1, 0.0, 0.0), None),
    ],
)
def test_fidelity_is_a_share_or_nothing(
    before_after: tuple[float, float, float, float], expected: float | None
) -> None:
    assert scoring.fidelity(*before_after) == expected


def pairs(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    ("counts", "value", "low", "high"),
    [
        # Newcombe 1998, Table II, method 10.
        ((20, 12, 2, 16), 0.2, 0.0562, 0.3292),
        ((36, 14, 0, 0), 0.28, 0.1528, 0.4167),
        # Bentur et al. 2009 and Cavo et al. 2012 in Fagerland, Lydersen and Laake, Statistical Analysis of
        # Contingency Tables (2017), chapter 8; the second as the R package contingencytables tests it.
        ((1, 1, 7, 12), -0.2857, -0.507, -0.026),
        ((59, 6, 16, 80), -0.0621, -0.1186, -0.0046),
    ],
)
def test_a_paired_difference_has_the_published_interval(
    counts: tuple[int, int, int, int], value: float, low: float, high: float
) -> None:
    precision = 5e-4 if counts == (1, 1, 7, 12) else 5e-5
    assert scoring.paired_difference(*pairs(*counts)) == pytest.approx((value, low, high), abs=precision)


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any))
def test_a_paired_difference_is_within_its_interval_and_mirrors(counts: tuple[int, int, int, int]) -> None:
    a, b = pairs(*counts)
    value, low, high = scoring.paired_difference(a, b)
    assert -1 - 1e-9 <= low <= value <= high <= 1 + 1e-9
    assert scoring.paired_difference(b, a) == pytest.approx((-value, -high, -low))


@pytest.mark.parametrize("chances", [(0.5, 0.1, 0.25, 0.15), (0.1, 0.6, 0.02, 0.28), (0.4, 0.2, 0.2, 0.2)])
def test_the_interval_of_a_paired_difference_covers_it_as_often_as_it_says(
    chances: tuple[float, float, float, float],
) -> None:
    """Every outcome of 30 pairs, each with its exact chance."""
    from scipy.stats import multinomial

    n, covered = 30, 0.0
    for both in range(n + 1):
        for first in range(n + 1 - both):
            for second in range(n + 1 - both - first):
                counts = (both, first, second, n - both - first - second)
                if (chance := multinomial.pmf(counts, n, chances)) < 1e-6:
                    continue
                _, low, high = scoring.paired_difference(*pairs(*counts))
                covered += chance * (low <= chances[1] - chances[2] <= high)
    assert 0.94 <= covered <= 0.975


@pytest.mark.parametrize(("a", "b"), [([], []), ([True], [True, False])])
def test_what_are_no_pairs_have_no_difference(a: list[bool], b: list[bool]) -> None:
    with pytest.raises(ValueError, match="are no pairs"):
        scoring.paired_difference(np.array(a, bool), np.array(b, bool))


def test_the_examples_in_the_words_are_right() -> None:
    found = doctest.testmod(scoring)
    assert found.attempted == 3 and found.failed == 0
