"""Canaries: only what a clean model surely knows, the surest first."""

from __future__ import annotations

import numpy as np
import pytest

from boomerang.settings import CanaryConfig
from processing.evaluation.canaries import Candidates, freeze, margins, views


def bright_is_1(x: np.ndarray) -> np.ndarray:
    """A model of two classes: the brighter the middle pixel, the surer of class 1."""
    p = x[:, 2, 2, 0].astype(np.float32) / 255
    return np.stack([1 - p, p], axis=1)


def flat(*levels: int) -> np.ndarray:
    return np.stack([np.full((5, 5, 3), level, np.uint8) for level in levels])


def test_views_are_the_image_and_its_four_shifts() -> None:
    x = np.arange(25, dtype=np.uint8).reshape(1, 5, 5, 1)
    here, *shifted = views(x)
    assert np.array_equal(here, x) and len(shifted) == 4
    middles = {int(view[0, 2, 2, 0]) for view in shifted}
    assert middles == {7, 17, 11, 13}


def test_the_margin_is_that_of_the_worst_view() -> None:
    x = flat(255)
    x[0, 1, 2] = 51  # under the middle pixel after one of the shifts
    assert margins(x, np.array([1]), bright_is_1)[0] == pytest.approx(0.2 - 0.8, abs=1e-6)


def test_the_surest_of_each_class_of_each_group_are_frozen() -> None:
    records = Candidates("records", flat(255, 240, 230, 0, 130), np.array([1, 1, 1, 0, 1]))
    pictures = Candidates("embraer-190", flat(10, 250), np.array([0, 0]))
    found = freeze([records, pictures], CanaryConfig(per_class=2, margin=0.5), bright_is_1)
    assert found.ids == ("records/3", "records/0", "records/1", "embraer-190/0")
    assert found.y.tolist() == [0, 1, 1, 0]
    assert np.array_equal(found.x[1], records.x[0])


def test_a_model_that_knows_nothing_freezes_nothing() -> None:
    group = Candidates("records", flat(0, 0), np.array([1, 1]))
    found = freeze([group], CanaryConfig(), bright_is_1)
    assert found.x.shape == (0, 5, 5, 3) and found.ids == ()
