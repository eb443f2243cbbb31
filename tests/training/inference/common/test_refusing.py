"""What refuses: NaN above the threshold of trusted rows, and below it the model's answer, to the bit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.errors import BadInput
from training.inference.common.base import wrapped
from training.inference.common.refusing import Refusing, Scores, numbers_of
from training.inference.spatial_smoothing import SpatialSmoothing
from training.labeled import Labeled
from training.model import NO_ANSWER, calls_of, classifier

X, Y = left_or_right(99)


class Bright(Refusing):
    """Refuse the brightest images."""

    title = source = assumes = costs = fails = "brightness"
    kind: Literal["bright"] = "bright"

    def suspicion(self, model: Any, trusted: Labeled) -> tuple[Any, Scores]:
        from keras import ops

        score = ops.mean(ops.cast(model.inputs[0], "float32"), axis=(1, 2, 3))
        return score, numbers_of(model.inputs[0], score, np.asarray(trusted.x)).astype(np.float64)


def brightness(x: np.ndarray) -> np.ndarray:
    return x.mean((1, 2, 3))


def test_what_is_above_the_trusted_rows_is_refused_and_the_rest_answered_as_before() -> None:
    model = built()
    whole = wrapped(model, [Bright(frr=0.1)], Labeled(X, Y))
    threshold = np.sort(brightness(X))[89]  # of 99 the 90th
    light = np.clip(X[:40].astype(int) + 60, 0, 255).astype(np.uint8)
    rows = np.concatenate([X, light])
    answers, plain, above = classifier(whole)(rows), classifier(model)(rows), brightness(rows) > threshold
    assert 0 < above[:99].sum() == 9 and above[99:].sum() > 15
    assert np.isnan(answers[above]).all() and np.array_equal(answers[~above], plain[~above])
    assert ((calls_of(answers) == NO_ANSWER) == above).all()


def test_what_is_outside_of_it_asks_it_about_what_it_gives() -> None:
    """The first outputs of the layers stay those for the image, however it is wrapped further."""
    model = built()
    inner = wrapped(model, [Bright(frr=0.1)], Labeled(X, Y))
    whole = wrapped(model, [Bright(frr=0.1), SpatialSmoothing(), Bright(frr=0.5)], Labeled(X, Y))
    smoothed = classifier(wrapped(model, [SpatialSmoothing()], Labeled(X, Y)))(X)
    answers = classifier(whole)(X)
    kept = np.isfinite(answers).all(1)
    assert 30 < kept.sum() < 60 and np.array_equal(answers[kept], smoothed[kept])
    assert np.isfinite(classifier(inner)(X)).all(1).sum() == 90


def test_too_few_trusted_rows_are_refused_with_what_is_needed() -> None:
    assert Bright(frr=0.01).trusted_rows == 99 and Bright(frr=0.05).trusted_rows == 19
    wrapped(built(), [Bright(frr=0.01)], Labeled(X, Y))
    with pytest.raises(BadInput, match="bright needs 99 to know what is rare, there are 98"):
        wrapped(built(), [Bright(frr=0.01)], Labeled(X[1:], Y[1:]))
