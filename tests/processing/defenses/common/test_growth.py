"""The set that grows: its steps are what the published ones are by hand, and it stops at planted poison."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cosine, jensenshannon

from processing.defenses.common.growth import Growth, grow, relative_distance

CLEAN = np.r_[1.0, np.zeros(15)]


def class_of(poison: int, rows: int = 400, seed: int = 0) -> np.ndarray:
    """float32[rows, 16] around one direction, the first ones around another, each of its own length."""
    rng = np.random.default_rng(seed)
    vectors = CLEAN + 0.15 * rng.standard_normal((rows, 16))
    vectors[:poison] += 1.2 * (np.eye(16)[1] - CLEAN)
    return (vectors * rng.uniform(0.5, 2, (rows, 1))).astype(np.float32)


def by_hand(vectors: np.ndarray, first: int, tau: float) -> tuple[list[list[int]], list[float]]:
    """The same, row by row and in lists."""
    grown, added, divergences, before = [first], [[first]], [], None
    while len(grown) < len(vectors):
        mean = vectors[grown].mean(0)
        rest = [row for row in range(len(vectors)) if row not in grown]
        apart = [(cosine(vectors[row], mean), cosine(vectors[row], CLEAN)) for row in rest]
        rates = np.array([to_grown / (to_grown + to_clean) for to_grown, to_clean in apart])
        near = (rates - rates.min()) / (np.ptp(rates) or 1) <= tau
        edges = np.linspace(0, 1, 100)
        two = [
            np.histogram(each, edges, density=True)[0]
            for each in (rates if before is None else before, rates[~near])
        ]
        divergences.append(float(jensenshannon(*two)) if (~near).any() else 1.0)
        added.append([row for row, is_near in zip(rest, near, strict=True) if is_near])
        grown, before = grown + added[-1], rates[~near]
    return added, divergences


@pytest.mark.filterwarnings("ignore:invalid value")  # a histogram of nothing has no density
def test_the_steps_are_what_they_are_by_hand() -> None:
    vectors = class_of(6, rows=60)
    added, divergences = by_hand(vectors.astype(float), 2, 0.05)
    growth = grow(vectors, np.arange(60), CLEAN, 2, 0.05)
    assert [each.tolist() for each in growth.added] == added and len(added) > 5
    np.testing.assert_allclose(growth.divergences, divergences, atol=1e-6)


@pytest.mark.parametrize("poison", [250, 750])
def test_what_is_kept_is_the_planted_poison(poison: int) -> None:
    vectors, rows = class_of(poison, rows=2500), np.arange(2500)
    first = int(np.argmin(vectors @ CLEAN / np.linalg.norm(vectors, axis=1)))
    growth = grow(vectors, rows, CLEAN, first, 0.05)
    assert np.array_equal(np.sort(np.concatenate(growth.added)), rows), "it grows until it has all"
    kept = growth.kept()
    assert np.mean(kept < poison) > 0.95 and np.sum(kept < poison) > 0.7 * poison


def test_it_takes_of_the_rows_that_it_may() -> None:
    some = np.arange(0, 400, 3)
    growth = grow(class_of(40), some, CLEAN, 3, 0.05)
    assert np.array_equal(np.sort(np.concatenate(growth.added)), some) and growth.added[0].tolist() == [3]


def test_it_is_cut_before_the_smoothest_window_of_ten() -> None:
    steps = [0.9, 0.5, 0.7, *[0.1] * 10, 0.4]
    growth = Growth([np.array([i]) for i in range(len(steps) + 1)], steps)
    assert growth.kept().tolist() == [0, 1, 2]


@pytest.mark.parametrize("steps", [[], [0.3], [0.9, 0.1, 0.1], [0.1] * 10])
def test_of_few_steps_the_first_row_is_kept_and_it_does_not_fail(steps: list[float]) -> None:
    growth = Growth([np.array([i]) for i in range(len(steps) + 1)], steps)
    assert growth.kept()[0] == 0 and len(growth.kept()) == 1


def test_rows_that_all_point_the_same_way_are_taken_in_one_step() -> None:
    for vectors in (np.ones((5, 3), np.float32), np.zeros((5, 3), np.float32)):
        growth = grow(vectors, np.arange(5), np.ones(3), 0, 0.05)
        assert [len(each) for each in growth.added] == [1, 4] and growth.divergences == [1.0]
    assert relative_distance(np.zeros(2), np.array([0, 1.0])).tolist() == [0.5, 0]
