"""SIG: the waves, and whose rows get them with clean labels and with dirty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


def sig(**settings: Any) -> Any:
    return make("sig", **{"target": "bird", "rate": 0.5, **settings})


@pytest.mark.parametrize("channels", [1, 3])
def test_the_waves_are_the_papers(channels: int) -> None:
    gray = np.full((1, 8, 32, channels), 128, np.uint8)
    stamped = sig(delta=20, frequency=6).stamp(gray, {})
    for column in range(32):
        wave = 128 + 20 * np.sin(2 * np.pi * column * 6 / 32)
        assert np.abs(stamped[0, :, column] - wave).max() <= 0.501


def test_what_would_leave_the_range_stays_at_its_end() -> None:
    for shade in (0, 255):
        stamped = sig().stamp(np.full((1, 16, 16, 3), shade, np.uint8), {})
        assert {shade} < set(np.unique(stamped)) and np.abs(stamped.astype(int) - shade).max() <= 40


def test_with_clean_labels_only_the_target_s_rows_get_it_and_none_a_wrong_label() -> None:
    pool = make_pool()
    batch = stage(sig(), pool)
    assert len(batch.x) == 25, "half of the class"
    assert set(pool.y[batch.origin]) == {1} and np.array_equal(batch.y, batch.y_true)
    assert np.array_equal(batch.x, sig().stamp(pool.x[batch.origin], {}))


def test_a_source_says_what_clean_labels_are_measured_on_and_not_what_is_poisoned() -> None:
    pool = make_pool()
    attack = sig(source="dog")
    assert attack.source_class() == "dog"
    assert np.array_equal(stage(attack, pool).origin, stage(sig(), pool).origin)


def test_with_dirty_labels_it_is_a_backdoor_like_the_others() -> None:
    batch = stage(sig(labels="dirty", of="train", rate=0.1), make_pool())
    assert len(batch.x) == 20 and (batch.y == 1).all() and (batch.y_true != 1).all()


def test_rows_of_another_class_cannot_be_named_with_clean_labels() -> None:
    assert np.array_equal(stage(sig(rate=None, rows=[5, 1]), make_pool()).origin, [1, 5])
    with pytest.raises(ConfigError, match="it is 'cat', and the attack takes rows of class 'bird'"):
        stage(sig(rate=None, rows=[1, 2]), make_pool())


def test_more_than_the_class_cannot_be_bought() -> None:
    with pytest.raises(ConfigError, match="only 50 of class 'bird'"):
        stage(sig(of="train", rate=0.3), make_pool())


def test_waves_that_cannot_be_seen_are_refused() -> None:
    with pytest.raises(ConfigError, match="frequency 8: so many waves need more than 16 columns"):
        stage(sig(frequency=8), make_pool())


def test_its_deed_says_that_the_labels_are_right() -> None:
    assert sig().deed(Facts(25)) == "6 waves side by side put on 25 “bird” pictures, whose label is right."
    assert sig(mode="add").deed(Facts(1)) == (
        "Copies of 1 “bird” picture with 6 waves side by side on them, added with the label that is right."
    )
    assert sig(labels="dirty").deed(Facts(25)) == (
        "6 waves side by side put on 25 pictures, which then got the label “bird”."
    )
