"""The curves hold what the scores hold."""

from __future__ import annotations

import numpy as np
import pytest

from boomerang.scoring import auroc
from pipelines.report.curves import histogram, note_curve, roc, score_ticks


def test_roc_points_enclose_the_auroc() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(5000) < 0.1
    for scores in (rng.normal(size=5000) + positive, np.round(rng.normal(size=5000) + positive)):
        points = roc(scores, positive)
        assert points is not None and len(points) <= 97
        x, y = np.array(points).T
        assert x[0] == y[0] == 0 and x[-1] == y[-1] == 1
        area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
        assert area == pytest.approx(auroc(scores, positive), abs=2e-3)


def test_roc_needs_both_kinds_of_rows() -> None:
    assert roc(np.arange(3.0), np.zeros(3, bool)) is None


@pytest.mark.parametrize(
    "note",
    [
        {"a": [0, 1], "b": [0.5]},
        {"a": [0], "b": [1]},
        {"a": [0, 1], "b": [1, "x"]},
        {"a": [0, 1], "b": 2},
        {"a": [0, 1]},
        [[0, 1], [1, 2]],
    ],
)
def test_what_is_not_two_lists_of_as_many_numbers_is_no_curve(note: object) -> None:
    assert note_curve(note) is None


@pytest.mark.parametrize("tail", [0.0, 1e3, 1e9])
def test_histogram_counts_every_row_once(tail: float) -> None:
    rng = np.random.default_rng(1)
    scores = np.append(rng.normal(size=1000), [tail] * 5)
    attack_of = np.append(np.zeros(1000, np.int8), np.ones(5, np.int8))
    bins = histogram(scores, attack_of, 1)
    assert sum(bins["clean"]) == 1000
    assert sum(bins["attacks"][0]) == 5
    assert np.all(np.diff(bins["edges"]) > 0)
    assert sum(count > 0 for count in bins["clean"]) >= 6, "the bulk must not be one bar"
    shown = score_ticks(bins["edges"], bins["center"], bins["spread"])
    assert len(shown) >= 2 and shown == sorted(shown)


def test_histogram_of_equal_scores() -> None:
    bins = histogram(np.zeros(9), np.zeros(9, np.int8), 0)
    assert sum(bins["clean"]) == 9
    assert len(score_ticks(bins["edges"], bins["center"], bins["spread"])) >= 2
