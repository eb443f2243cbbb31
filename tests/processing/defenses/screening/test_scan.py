"""SCAn: as published on large shares, and row by row on small ones, at the rate that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.suspects import CLASSES, TARGET, class_share, make_suspect, with_features

from boomerang.errors import BadInput
from boomerang.scoring import auroc
from processing.defenses.screening.scan import Scan

PAPER = Scan(rule="paper")
EIGHT = ("airplane", "bird", "cat", "dog", "frog", "horse", "ship", "truck")


def rates(detector: Scan, share: float, seed: int = 0, **drawn: Any) -> tuple[float, float]:
    """The share of poison that is flagged, and of clean rows."""
    data, poisoned = class_share(share, seed=seed, **drawn)
    flagged = detector.screen(data).flagged
    return float(flagged[poisoned].mean()), float(flagged[~poisoned].mean())


@pytest.mark.parametrize("share", [0.02, 0.05, 0.3, 0.51, 0.7, 0.9])
def test_poison_of_any_share_of_a_class_is_found_row_by_row(share: float) -> None:
    found, taken = rates(Scan(), share)
    assert found > 0.95 and taken < 0.02


def test_one_in_a_hundred_rows_of_a_class_is_found_where_the_published_rule_flags_nothing() -> None:
    drawn = {"rows": 1200, "classes": EIGHT[:5]}
    found, taken = rates(Scan(), 0.01, **drawn)
    assert found > 0.9 and taken < 0.02
    assert rates(PAPER, 0.01, **drawn) == (0, 0)


@pytest.mark.parametrize("share", [0.3, 0.51, 0.7, 0.9])
def test_the_published_rule_finds_a_large_share_and_takes_no_clean_class(share: float) -> None:
    data, poisoned = class_share(share, classes=EIGHT)
    finding = PAPER.screen(data)
    assert finding.flagged[poisoned].mean() > 0.95 and finding.flagged[~poisoned].mean() < 0.005
    assert finding.notes["classes"]["bird"]["z"] > np.e**2
    assert finding.notes["classes"]["bird"]["suspected"] == ("larger" if share > 0.5 else "smaller")
    assert finding.scores[poisoned].min() > finding.scores[~poisoned].max()


def test_the_statistic_is_the_papers() -> None:
    """J_k of the split that is found, in one dimension by hand: 2-means, whitened by S_e of 1."""
    rng = np.random.default_rng(0)
    trusted = np.concatenate([rng.standard_normal(4000) + 50 * k for k in range(3)])[:, None]
    trusted_y = np.repeat(np.arange(3), 4000)
    features, y = trusted.copy(), trusted_y.copy()
    features[y == 1] = np.where(np.arange(4000) < 1000, 60.0, 50.0)[:, None]
    finding = PAPER.screen(with_features(features, y, trusted, trusted_y, classes=CLASSES[:3]))
    # Two points 10 apart, a quarter in one of them: the variance of the class is all explained.
    assert finding.notes["classes"]["bird"]["j"] == pytest.approx(100 * 3 / 16, rel=0.05)
    # One normal cloud cut in the middle: 2 / pi of the variance.
    assert finding.notes["classes"]["airplane"]["j"] == pytest.approx(2 / np.pi, rel=0.05)


@pytest.mark.parametrize("kinds", [False, True])
def test_the_rate_of_clean_rows_taken_is_the_setting(kinds: bool) -> None:
    shares = [
        Scan(max_fpr=0.02).screen(make_suspect(poison=0, seed=seed, kinds_of_dogs=kinds)[0]).flagged.mean()
        for seed in range(5)
    ]
    assert 0.008 < np.mean(shares) < 0.03
    assert max(shares) < 0.06


def test_a_shift_common_to_all_learned_rows_does_not_move_the_rate() -> None:
    shares = [rates(Scan(max_fpr=0.02), 0.02, seed, shift=1.5)[1] for seed in range(3)]
    assert np.mean(shares) < 0.035


def test_few_rows_in_many_dimensions_do_not_move_the_rate() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(480) % 4
    data = with_features(rng.standard_normal((480, 100)), y, rng.standard_normal((480, 100)), y)
    assert Scan(max_fpr=0.02).screen(data).flagged.mean() < 0.05


def test_rows_of_the_class_are_ranked() -> None:
    data, poisoned = class_share(0.03)
    bird = data.y == TARGET
    ours = auroc(Scan().screen(data).scores[bird], poisoned[bird])
    assert ours is not None and ours > 0.98


def test_a_class_without_trusted_rows_is_scored_zero_and_named() -> None:
    data, _ = class_share(0.3)
    known = data.trusted_y != TARGET
    absent = with_features(data.features, data.y, data.trusted_features[known], data.trusted_y[known])
    for detector in (Scan(), PAPER):
        finding = detector.screen(absent)
        assert not finding.scores[data.y == TARGET].any() and not finding.flagged[data.y == TARGET].any()
        assert finding.warnings[0].startswith("bird: no trusted row")


def test_too_few_trusted_rows_flag_nothing_and_a_warning_says_so() -> None:
    data, _ = make_suspect(trusted=100)
    finding = Scan().screen(data)
    assert finding.threshold is None and not finding.flagged.any()
    assert "100 trusted rows cannot tell what is rare, 199 are needed" in finding.warnings[0]
    assert finding.notes["trusted_rows"] < finding.notes["trusted_rows_needed"] == 199


def test_two_classes_have_no_median_to_stand_out_from() -> None:
    data, _ = make_suspect(poison=0, classes=CLASSES[:2])
    finding = PAPER.screen(data)
    assert not finding.flagged.any() and "too few classes" in finding.warnings[0]
    assert not Scan().screen(data).warnings


def test_features_that_never_vary_flag_nothing_and_a_nan_is_refused() -> None:
    y = np.arange(400) % 4
    for detector in (Scan(), PAPER):
        finding = detector.screen(with_features(np.ones((400, 5)), y, np.ones((400, 5)), y))
        assert not finding.scores.any() and not finding.flagged.any() and finding.warnings
        broken = np.ones((400, 5))
        broken[7, 2] = np.nan
        with pytest.raises(BadInput, match="features of the suspect rows: 1 of 400"):
            detector.screen(with_features(broken, y, np.ones((400, 5)), y))


def test_rows_set_aside_shape_nothing() -> None:
    """GIVEN rows that were set aside WHEN they lie elsewhere THEN no other row's score changes."""
    data, poisoned = class_share(0.1)
    moved = data.features.copy()
    moved[poisoned] += 100
    other = with_features(moved, data.y, data.trusted_features, data.trusted_y)
    for detector in (Scan(), PAPER):
        one, two = (detector.screen(suspect.without(poisoned)) for suspect in (data, other))
        assert np.array_equal(one.scores[~poisoned], two.scores[~poisoned])


def test_with_all_rows_set_aside_there_is_nothing_to_learn() -> None:
    data, _ = make_suspect()
    finding = Scan().screen(data.without(np.ones(len(data.y), bool)))
    assert not finding.scores.any() and not finding.flagged.any() and finding.warnings


def test_components_that_are_left_out_cost_what_lies_along_them() -> None:
    data, poisoned = class_share(0.1)
    assert Scan(dimensions=2).screen(data).flagged[poisoned].mean() < 0.5


def test_a_threshold_is_set_anew_without_scoring_anew() -> None:
    data, _ = make_suspect()
    scored = Scan().score(data)
    for max_fpr in (0.005, 0.1):
        again, whole = Scan(max_fpr=max_fpr).decide(scored), Scan(max_fpr=max_fpr).screen(data)
        assert again.threshold == whole.threshold and np.array_equal(again.flagged, whole.flagged)
