"""Ways to make one screen of several detectors."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.suspects import make_suspect, with_features

from bench.staged.combining import (
    MAX_FPR,
    Asked,
    Calibrated,
    calibrated,
    contender,
    flagged_by,
    regression,
    surprise,
)
from processing.defenses.common.base import Scored
from processing.defenses.screening.confident_learning import ConfidentLearning
from processing.defenses.screening.scan import Scan


@pytest.fixture(scope="module")
def asked() -> Asked:
    """What two detectors say of drawn features; the planted rows are the first ones with a wrong label."""
    data, poisoned = make_suspect(trusted=800)
    wrong = (data.y[: Asked.PLANTED] + 1) % len(data.classes)
    features, y = (
        np.concatenate([data.features, data.features[: Asked.PLANTED]]),
        np.concatenate([data.y, wrong]),
    )
    more = with_features(features, y, data.trusted_features, data.trusted_y)
    more = more.without(np.arange(len(y)) >= len(data.y))
    members = (Scan(), ConfidentLearning())
    return Asked(poisoned, {each.kind: each.score(more) for each in members})


def test_every_contender_decides_on_the_suspect_rows_alone(asked: Asked) -> None:
    found = flagged_by(asked)
    assert list(found) == ["scan", "confident_learning", "union", "sum", "largest", "regression"]
    for flagged, scores in found.values():
        assert flagged.shape == scores.shape == asked.poisoned.shape
    assert found["scan"][0][asked.poisoned].mean() > 0.9
    assert found["union"][0][asked.poisoned].mean() > 0.9


def test_the_union_is_what_either_of_the_two_flags_at_half_of_the_rate(asked: Asked) -> None:
    union, _ = flagged_by(asked)["union"]
    parts = [
        each.model_copy(update={"max_fpr": MAX_FPR / 2}).decide(asked.scored[each.kind]).flagged
        for each in (Scan(), ConfidentLearning())
    ]
    assert np.array_equal(union, (parts[0] | parts[1])[: len(union)]) and union.any()


def test_clean_rows_are_flagged_at_about_the_rate(asked: Asked) -> None:
    for name, (flagged, _) in flagged_by(asked).items():
        assert flagged[~asked.poisoned].mean() < 3 * MAX_FPR, name


def test_a_surprise_is_the_logarithm_of_the_p_value_and_goes_on_beyond_the_highest_row() -> None:
    clean = np.arange(1.0, 100)  # 1..99
    assert surprise(clean, np.array([0.0])) == 0
    assert np.allclose(surprise(clean, np.array([50.0])), -np.log(51 / 100))
    edge = np.quantile(clean, 0.9)
    length = (clean[clean > edge] - edge).mean()
    far = np.array([200.0, 300.0])
    assert np.allclose(surprise(clean, far), (far - edge) / length + np.log(10))
    every = surprise(clean, np.linspace(0, 300, 500))
    assert (np.diff(every) >= 0).all()
    assert np.isfinite(surprise(np.ones(50), far)).all()


def test_a_trusted_row_is_measured_by_the_other_folds() -> None:
    trusted = np.zeros(100)
    trusted[7] = 1.0  # by itself it would be one of a hundred; by the others there is nothing like it
    state = SimpleNamespace(trusted=trusted)
    asked = Asked(np.zeros(10, bool), {"one": Scored(np.zeros(10 + Asked.PLANTED), state)})
    found = calibrated(asked, ["one"])
    assert found.rows.shape == (10, 1) and found.planted.shape == (Asked.PLANTED, 1)
    assert found.trusted[7, 0] == surprise(np.zeros(80), np.ones(1))[0] > found.trusted[:7].max()


def test_the_regression_follows_what_the_planted_rows_show() -> None:
    """GIVEN planted rows that the first detector alone sees THEN what the second sees is no poison to it."""
    rng = np.random.default_rng(0)
    trusted = rng.exponential(size=(1000, 2))
    planted = rng.exponential(size=(300, 2)) + np.array([8, 0])
    rows = np.array([[9.0, 0], [0, 30.0]])
    flagged, _ = contender(*regression(Calibrated(rows, trusted, planted)))
    assert flagged.tolist() == [True, False]
