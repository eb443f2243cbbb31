"""Triggers in a random place: where they lie, that all places are as likely, and blocks do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from processing.attacks.common import places
from processing.attacks.common.places import own_places

SIDE_PX, PATCH_PX = 16, 3
ROOM = SIDE_PX - PATCH_PX + 1


def roaming(**settings: Any) -> Any:
    return make("badnets", target="bird", rate=0.1, patch_px=PATCH_PX, place="random", **settings)


def places_of(changed: Any, before: Any) -> Any:
    """Return where each image was painted, and hold it against a white square of the patch's size."""
    found = []
    for image, plain in zip(changed, before, strict=True):
        rows, columns, _ = np.nonzero(image != plain)
        top_px, left_px = int(rows.min()), int(columns.min())
        expected = plain.copy()
        expected[top_px : top_px + PATCH_PX, left_px : left_px + PATCH_PX] = 255
        assert np.array_equal(image, expected)
        found.append((top_px, left_px))
    return np.array(found)


def test_a_training_row_has_the_whole_patch_in_a_place_of_its_own() -> None:
    pool = make_pool(rows=2000)
    batch = stage(roaming(), pool)
    found = places_of(batch.x[:], pool.x[batch.origin])
    assert len(np.unique(found, axis=0)) > 100 and found.min() == 0 and found.max() == ROOM - 1


def test_the_places_of_training_rows_follow_from_the_seed() -> None:
    pool = make_pool()
    one, again, other = (stage(roaming(), pool, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.x, again.x) and not np.array_equal(one.x, other.x)


def test_a_measured_image_is_stamped_alike_in_any_block_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, attack = make_pool(), roaming()
    whole = attack.stamp(pool.x, {})
    order = np.random.default_rng(0).permutation(len(pool.x))
    assert np.array_equal(attack.stamp(pool.x[order], {}), whole[order])
    monkeypatch.setattr(places, "blocks", lambda x: ((part, x[part]) for part in (np.s_[:7], np.s_[7:])))
    assert np.array_equal(attack.stamp(pool.x, {}), whole)
    assert len(np.unique(places_of(whole, pool.x), axis=0)) > 100


def test_every_place_is_as_likely_as_any_other() -> None:
    x = np.random.default_rng(0).integers(0, 256, (8000, 4, 4, 1), np.uint8)
    counts = np.zeros((4, 5), int)
    np.add.at(counts, tuple(own_places(x, (4, 5)).T), 1)
    # Each of 20 is drawn 400 times with a standard deviation of 19.5.
    assert counts.min() > 320 and counts.max() < 480


def test_a_trigger_as_large_as_the_image_has_one_place() -> None:
    pool = make_pool()
    attack = make("badnets", target="bird", rate=0.1, patch_px=SIDE_PX, place="random")
    assert (attack.stamp(pool.x, {}) == 255).all() and (stage(attack, pool).x[:] == 255).all()
