"""The audit says how visible a poison is, and whose images it has overwritten."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from processing.attacks.common import audit as made_here
from processing.attacks.common.audit import COMPARED, audit_entry, compare
from processing.attacks.common.pool import Batch
from processing.attacks.common.visibility import psnr_db, ssim


def test_it_gives_the_median_over_images_of_each_measure() -> None:
    pool, attack = make_pool(), make("badnets", target="bird", rate=0.3, color="#00ffff")
    batch = stage(attack, pool)
    before, after = pool.x[batch.origin], batch.x[:]
    entry = audit_entry(attack, batch, pool)
    assert entry["images_made_from_rows"] == entry["images_compared"] == 60
    assert entry["median_largest_change"] == np.median(np.abs(before.astype(int) - after).max(axis=(1, 2, 3)))
    assert entry["median_psnr_db"] == pytest.approx(np.median(psnr_db(before, after)))
    assert entry["median_ssim"] == pytest.approx(np.median(ssim(before, after)))
    assert 5 < entry["median_psnr_db"] < 30 and 0 < entry["median_ssim"] < 1


def test_a_label_flip_shows_nothing() -> None:
    pool, attack = make_pool(), make("label_flip_random", rate=0.1)
    entry = audit_entry(attack, stage(attack, pool), pool)
    assert entry["median_psnr_db"] is None and entry["median_ssim"] == pytest.approx(1)
    assert compare(stage(attack, pool), pool).overwritten.tolist() == []
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry


def test_pictures_from_outside_are_held_against_nothing() -> None:
    pool, attack = make_pool(), make("mislabel", pictures="boomerang", target="bird")
    entry = audit_entry(attack, stage(attack, pool), pool)
    measured = ("median_largest_change", "median_psnr_db", "median_ssim")
    assert [entry[name] for name in measured] == [None] * 3
    assert entry["images_made_from_rows"] == entry["images_compared"] == 0


def test_of_many_images_a_sample_is_compared_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool(rows=2 * COMPARED)
    attack = make("badnets", target="bird", rate=0.75)
    asked: list[int] = []
    batch = stage(attack, pool)
    made: Any = batch.x

    def counted(rows: Any) -> Any:
        asked.extend(rows)
        return made[rows]

    batch = replace(batch, x=replace(made, make=counted))
    first = compare(batch, pool)
    assert len(first.largest) == 384 and len(first.ssim) == len(first.psnr_db) == COMPARED
    assert len(asked) == 384 + COMPARED and set(asked) == set(range(384))
    monkeypatch.setattr(made_here, "_BLOCK_BYTES", 5 * pool.x[0].size)
    again = compare(batch, pool)
    for name in ("largest", "psnr_db", "ssim", "overwritten"):
        assert np.array_equal(getattr(again, name), getattr(first, name)), name


def test_a_row_is_overwritten_by_another_image_wherever_that_came_from() -> None:
    """Of eight: two as they were, two changed, two by each other's image, two from outside, one equal."""
    pool = make_pool()
    rows = np.arange(20, 28)
    origin = np.array([20, 21, 22, 23, 25, 24, -1, -1, 3])
    x = np.concatenate([pool.x[[20, 21, 22, 23, 25, 24, 26, 0]], pool.x[[3]]])
    x[2:4, 0, 0, 0] ^= 128
    batch = Batch(rows, x, pool.y[:9], origin, pool.y[:9])
    change = compare(batch, pool)
    assert change.overwritten.tolist() == [22, 23, 24, 25, 27]
    assert change.largest.tolist() == [0, 0, 128, 128, 0, 0, 0]
