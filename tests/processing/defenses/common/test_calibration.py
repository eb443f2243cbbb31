"""Calibration by trusted rows: what it promises, and what holds of every detector that rests on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.suspects import CLASSES, make_suspect, with_features

from boomerang.config import Spec
from boomerang.errors import BadInput
from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Scores
from processing.defenses.common.calibration import (
    FOLDS,
    Judge,
    calibrated,
    cross_fitted,
    flag_beyond,
    populated,
)
from processing.defenses.screening import DETECTORS

KINDS = ("confident_learning", "dbscan", "deep_knn", "kmeans", "z_score")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_rule = pytest.mark.parametrize("rule", ["trusted", "paper"])


def made(kind: str, **settings: Any) -> Detector:
    return DETECTORS.create(Spec(kind=kind, **settings))


# ---- the parts


@pytest.mark.parametrize("parts", [2, FOLDS])
def test_no_row_is_scored_by_what_was_learned_from_it(parts: int) -> None:
    """GIVEN a judge that tells whether it has seen a row THEN it has seen none that it scores."""
    data, _ = make_suspect(rows=203, trusted=57)
    data = replace(data, found=np.arange(203) % 7 == 0)
    lessons = []

    def fit(learned: Bools, trusted: Bools) -> Judge:
        lessons.append((learned, trusted))

        def score(features: Features, y: Labels, rows: Rows) -> Scores:
            seen = learned if features is data.features else trusted
            return seen[rows].astype(float)

        return Judge(score)

    scored = cross_fitted(data, fit, parts=parts)
    assert not scored.scores.any()
    assert len(scored.state.trusted) == 57
    assert not scored.state.trusted.any()
    assert all(not learned[~data.left].any() for learned, _ in lessons)
    sizes = [int(learned.sum()) for learned, _ in lessons]
    assert max(sizes) - min(sizes) <= 6  # suspect and trusted rows are measured by as much


def test_rows_that_cannot_be_judged_are_never_flagged_and_the_warning_says_why() -> None:
    data, _ = make_suspect(rows=8, poison=0)
    scores = np.array([np.nan, 5, 1, np.nan, np.nan, 2, -4, 0])  # airplane, bird, cat, dog, airplane, ...
    scored = calibrated(data, scores, np.array([-2.0, np.nan, -3, -2.5]), {3: "nobody asked"}, {})
    found = flag_beyond(scored, 0.5)
    assert found.threshold == -2.5
    assert found.flagged.tolist() == [False, True, True, False, False, True, False, True]
    assert scored.scores[np.isnan(scores)].tolist() == [-4, -4, -4]
    assert any(said.startswith("airplane: no trusted row of the class") for said in found.warnings)
    assert any(said.startswith("dog: nobody asked, so it flags nothing") for said in found.warnings)


def test_clusters_are_populated_as_far_as_trusted_rows_account_for_them() -> None:
    def clean(trusted: list[int], suspect: list[int], share: float = 0.5) -> list[bool]:
        return populated(np.array(trusted), np.array(suspect), share).tolist()

    assert clean([50, 50], [400, 400]) == [True, True]
    assert clean([99, 1], [400, 400]) == [True, False]  # a stray trusted row vouches for nobody
    assert clean([99, 1], [400, 400], 0) == [True, True]
    assert clean([10, 0], [10, 990]) == [True, False]  # poison that is most of the class
    assert clean([0, 2, 1], [900, 50, 50], 1.0) == [False, True, True]
    assert clean([0, 0], [5, 5]) == [False, False]
    assert clean([3, 0], [0, 0]) == [True, False]


# ---- what holds of every detector that rests on it


@every_kind
def test_the_share_of_clean_rows_taken_is_at_most_the_setting(kind: str) -> None:
    shares = []
    for seed in range(6):
        data, _ = make_suspect(poison=0, rows=800, trusted=300, seed=seed)
        shares.append(made(kind, max_fpr=0.02).screen(replace(data, seed=seed)).flagged.mean())
    assert np.mean(shares) < 0.026
    assert max(shares) < 0.05


@every_kind
def test_too_few_trusted_rows_flag_nothing_and_the_warning_says_so(kind: str) -> None:
    data, _ = make_suspect(rows=400, trusted=100)
    finding = made(kind).screen(data)
    assert finding.threshold is None
    assert not finding.flagged.any()
    assert (
        "100 trusted rows cannot tell what is rare, 199 are needed for max_fpr = 0.005" in finding.warnings[0]
    )
    assert made(kind, max_fpr=0.01).screen(data).threshold is not None


@pytest.mark.parametrize("kind", ["dbscan", "kmeans", "z_score"])
def test_of_a_class_without_trusted_rows_nothing_is_flagged(kind: str) -> None:
    data, _ = make_suspect(rows=800)
    some = data.trusted_y != 1
    absent = with_features(data.features, data.y, data.trusted_features[some], data.trusted_y[some])
    finding = made(kind, max_fpr=0.02).screen(absent)
    assert np.isfinite(finding.scores).all()
    assert finding.threshold is not None
    assert not finding.flagged[data.y == 1].any()
    assert f"{CLASSES[1]}: no trusted row of the class to compare with" in finding.warnings[0]


@pytest.mark.parametrize("kind", ["confident_learning", "deep_knn"])
def test_what_learns_from_suspect_rows_alone_needs_no_trusted_row_of_every_class(kind: str) -> None:
    data, _ = make_suspect(rows=800)
    some = data.trusted_y != 1
    absent = with_features(data.features, data.y, data.trusted_features[some], data.trusted_y[some])
    finding = made(kind, max_fpr=0.02).screen(absent)
    assert finding.threshold is not None
    assert not finding.warnings


@every_kind
@every_rule
def test_a_single_class_is_no_accident(kind: str, rule: str) -> None:
    data, _ = make_suspect(rows=400, poison=0, trusted=1600)
    rows, trusted = data.y == 2, data.trusted_y == 2
    one = with_features(
        data.features[rows], data.y[rows], data.trusted_features[trusted], data.trusted_y[trusted]
    )
    finding = made(kind, rule=rule, max_fpr=0.02).screen(one)
    assert np.isfinite(finding.scores).all()
    if kind == "confident_learning":
        assert not finding.flagged.any()
        assert "cat: no other class has two rows left" in " ".join(finding.warnings)
    elif rule == "trusted":
        assert finding.flagged.mean() < 0.08


@every_kind
@every_rule
@pytest.mark.parametrize("value", [0.0, 0.1, -3e4])
def test_features_that_never_vary_are_no_accident(kind: str, rule: str, value: float) -> None:
    still = with_features(
        np.full((80, 5), value), np.arange(80) % 4, np.full((400, 5), value), np.arange(400) % 4
    )
    finding = made(kind, rule=rule).screen(still)
    assert np.isfinite(finding.scores).all()
    if rule == "trusted":
        assert not finding.flagged.any()


@every_kind
@pytest.mark.parametrize("who", ["suspect", "trusted"])
def test_a_value_that_is_no_number_is_refused_by_its_row(kind: str, who: str) -> None:
    data, _ = make_suspect(rows=80)
    features, trusted = data.features.copy(), data.trusted_features.copy()
    (features if who == "suspect" else trusted)[13, 2] = np.nan
    broken = with_features(features, data.y, trusted, data.trusted_y)
    with pytest.raises(BadInput, match=f"features of the {who} rows.*row 13"):
        made(kind).screen(broken)


@every_kind
@every_rule
def test_a_class_that_is_all_set_aside_is_no_accident(kind: str, rule: str) -> None:
    data, _ = make_suspect(rows=400)
    for found in (data.y == 1, data.y > 0, np.ones(400, bool)):
        finding = made(kind, rule=rule, max_fpr=0.02).screen(data.without(found))
        assert np.isfinite(finding.scores).all()


@every_kind
def test_what_was_set_aside_teaches_nothing(kind: str) -> None:
    """GIVEN the same rows left THEN they score the same, wherever the rows lie that were set aside."""
    data, poisoned = make_suspect(rows=400)
    moved = data.features.copy()
    moved[poisoned] = 1000
    other = with_features(moved, data.y, data.trusted_features, data.trusted_y)
    scores = [made(kind).screen(one.without(poisoned)).scores[~poisoned] for one in (data, other)]
    assert np.allclose(*scores, atol=1e-3)


@every_kind
def test_a_threshold_is_set_anew_without_scoring_anew(kind: str) -> None:
    data, _ = make_suspect(rows=400)
    scored = made(kind).score(data)
    for max_fpr in (0.005, 0.1):
        strict = made(kind, max_fpr=max_fpr)
        again, whole = strict.decide(scored), strict.screen(data)
        assert again.threshold == whole.threshold
        assert np.array_equal(again.flagged, whole.flagged)
