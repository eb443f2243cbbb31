"""z-score: the published score, and what lies outside its class' cloud."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import Plant, collided, flipped, lone
from helpers.suspects import make_suspect, with_features

from boomerang.scoring import auroc
from processing.defenses.screening.z_score import ZScore

PAPER = ZScore(rule="paper", whiten="none")


@pytest.mark.parametrize("plant", [flipped, lone, collided])
@pytest.mark.parametrize("seed", range(3))
def test_what_lies_outside_its_class_is_found_and_clean_rows_stay(plant: Plant, seed: int) -> None:
    data, poisoned = plant(seed)
    finding = ZScore().screen(data)
    assert finding.threshold is not None
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.015


def test_the_published_score_is_the_modified_z_score_of_the_distance_to_the_mean() -> None:
    data, _ = make_suspect(rows=200, poison=0)
    scores = PAPER.screen(data).scores
    for label in range(4):
        rows = data.features[data.y == label].astype(float)
        apart = np.linalg.norm(rows - rows.mean(0), axis=1)
        mad = np.median(np.abs(apart - np.median(apart)))
        assert np.allclose(scores[data.y == label], 0.6745 * (apart - np.median(apart)) / mad, rtol=1e-4)


def test_the_published_rule_flags_above_its_cutoff() -> None:
    data, poisoned = lone()
    for cutoff in (2.0, 3.5):
        finding = ZScore(rule="paper", whiten="none", cutoff=cutoff).screen(data)
        assert finding.threshold == cutoff
        assert np.array_equal(finding.flagged, finding.scores > cutoff)
        assert finding.flagged[poisoned].all()


def test_poison_that_moves_the_mean_of_its_class_hides_from_the_published_score_alone() -> None:
    """GIVEN poison that is three fifths of a class THEN the class' own mean is near it."""
    rng = np.random.default_rng(0)
    features, trusted = rng.standard_normal((600, 8)), rng.standard_normal((600, 8))
    y = np.arange(600) % 3
    poisoned = (y == 1) & (np.arange(600) < 360)
    features[poisoned, 0] += 8
    data = with_features(features, y, trusted, np.arange(600) % 3, classes=("a", "b", "c"))
    ours, published = ZScore().screen(data), PAPER.screen(data)
    assert ours.flagged[poisoned].mean() > 0.95
    assert not published.flagged[poisoned].any()
    assert (auroc(ours.scores, poisoned) or 0) > 0.99


def test_a_mean_of_few_rows_is_no_reason_to_flag_their_class() -> None:
    """GIVEN three trusted rows of one class THEN no more of its rows are flagged than there should be."""
    shares = []
    for seed in range(8):
        data, _ = make_suspect(poison=0, seed=seed)
        few = np.flatnonzero((data.trusted_y != 3) | (np.cumsum(data.trusted_y == 3) <= 3))
        some = with_features(data.features, data.y, data.trusted_features[few], data.trusted_y[few])
        shares.append(ZScore(max_fpr=0.02).screen(some).flagged[data.y == 3].mean())
    assert np.mean(shares) < 0.05
