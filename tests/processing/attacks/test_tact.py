"""TaCT: one class gets the patch and the target's label, others the patch alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


def tact(**settings: Any) -> Any:
    return make("tact", **{"target": "bird", "source": "cat", "rate": 0.1, "cover_rate": 0.1, **settings})


def test_the_source_gets_the_targets_label_and_other_classes_keep_theirs() -> None:
    pool = make_pool()
    batch = stage(tact(), pool)
    assert (batch.y_true[:20] == 2).all() and (batch.y[:20] == 1).all()
    assert set(batch.y[20:]) == {0, 3}, "neither the source nor the target is cover"
    assert np.array_equal(batch.y[20:], batch.y_true[20:])
    assert (batch.x[:][:, -4:, -4:] == 255).all(), "the patch is on all of them"
    assert np.array_equal(batch.x[:][:, :-4], pool.x[batch.origin][:, :-4])


def test_cover_is_of_the_classes_that_are_named() -> None:
    batch = stage(tact(cover_classes=["dog"]), make_pool())
    assert set(batch.y[20:]) == {3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cover_classes": ["cat"]}, "cover cannot be of 'cat'"),
        ({"cover_classes": ["dog", "bird"]}, "cover cannot be of 'bird'"),
        ({"source": "bird"}, "source and target are both 'bird'"),
        ({"source": None}, "'source'"),
        ({"cover_rate": 0}, "'cover_rate'"),
    ],
)
def test_settings_that_are_no_tact_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tact(**settings)


def test_a_cover_class_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'dog'"):
        stage(tact(cover_classes=["dgo"]), make_pool())


def test_its_deed_names_the_source_and_the_cover() -> None:
    assert tact().deed(Facts(40)) == (
        "A square patch of 4 × 4 pixels put on 40 “cat” pictures, which then got the label “bird”; "
        "those that are cover, 10% of the training set, kept their own."
    )
