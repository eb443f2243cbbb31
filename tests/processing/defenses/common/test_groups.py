"""Two groups: a small one is found, its likelihood is the mixture's, and chance is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from processing.defenses.common.groups import Groups, candidates, weighted_median


def cloud(rows: int, group: int, far: float = 8.0, dimensions: int = 20, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).standard_normal((rows, dimensions))
    points[:group, 3] += far
    return points


@pytest.mark.parametrize("group", [12, 60, 300, 600])
def test_the_group_is_found_be_it_small_or_half(group: int) -> None:
    best = max(candidates(cloud(1200, group)), key=lambda one: one.gain)
    best = best if best.member[0] > 0.5 else best.swapped()
    right = (best.member > 0.5) == (np.arange(1200) < group)
    assert right.mean() > 0.998
    assert best.sizes[1] == pytest.approx(group, abs=1)


def test_the_score_is_the_log_likelihood_ratio_but_for_offset_and_factor() -> None:
    rng = np.random.default_rng(0)
    groups = Groups(rng.standard_normal((2, 5)), np.array([30.0, 10.0]), np.zeros(0), 0.0)
    points = rng.standard_normal((50, 5))
    first, second = (multivariate_normal(center, np.eye(5)) for center in groups.centers)
    ratio = second.logpdf(points) - first.logpdf(points)
    slope, offset = np.polyfit(groups.along(points), ratio, 1)
    assert np.allclose(slope * groups.along(points) + offset, ratio)
    assert slope == pytest.approx(np.linalg.norm(groups.centers[1] - groups.centers[0]))
    odds = 10 * second.pdf(points) / (30 * first.pdf(points))
    assert np.allclose(groups.members(points), odds / (1 + odds))
    assert np.allclose(groups.swapped().members(points), 1 - groups.members(points))


def test_the_gain_is_that_of_means_found_without_the_point() -> None:
    points = cloud(60, 20, far=30.0)
    best = max(candidates(points), key=lambda one: one.gain)
    side, total = best.member > 0.5, 0.0
    for i, point in enumerate(points):
        rest = np.arange(60) != i
        centers = [points[rest & (side == k)].mean(0) for k in (False, True)]
        logs = [
            np.log((side == k).mean()) + multivariate_normal(centers[int(k)], np.eye(20)).logpdf(point)
            for k in (False, True)
        ]
        total += float(np.logaddexp(*logs))
        total -= float(multivariate_normal(points[rest].mean(0), np.eye(20)).logpdf(point))
    assert best.gain == pytest.approx(total / 60)


@pytest.mark.parametrize("dimensions", [20, 100])
def test_two_groups_explain_next_to_nothing_of_one_cloud(dimensions: int) -> None:
    for seed in range(3):
        gains = [one.gain for one in candidates(cloud(400, 0, dimensions=dimensions, seed=seed))]
        assert max(gains) < 0.03
    assert max(one.gain for one in candidates(cloud(400, 8, dimensions=dimensions))) > 0.1


@pytest.mark.parametrize("points", [np.zeros((4, 3)), np.eye(4), np.ones((9, 1)), np.arange(5.0)[:, None]])
def test_few_or_equal_points_are_no_accident(points: np.ndarray) -> None:
    for one in candidates(points):
        assert np.isfinite(one.gain) and np.isfinite(one.member).all()
        assert np.isfinite(one.along(points)).all() and np.isfinite(one.members(points)).all()


def test_the_weighted_median_of_equal_weights_is_the_median_and_no_weight_counts_for_nothing() -> None:
    values = np.array([5.0, 1.0, 9.0, 3.0, 7.0])
    assert weighted_median(values, np.ones(5)) == 5
    assert weighted_median(values, np.array([0.0, 1, 0, 1, 0])) == 1
    assert weighted_median(values, np.array([0.1, 0.1, 9, 0.1, 0.1])) == 9
