"""WaNet: how far the warp goes, and that cover is warped otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts
from processing.attacks.common.warp import enlarged, warped


def wanet(**settings: Any) -> Any:
    return make("wanet", target="bird", rate=0.1, **settings)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_warp_is_the_papers_field_in_half_pixels(channels: int) -> None:
    pool = make_pool(channels=channels)
    batch = stage(wanet(cover_rate=0.0), pool)
    points = batch.kept["offsets"]
    assert points.shape == (2, 4, 4) and np.abs(points).mean() == pytest.approx(1)
    # An image reaches from -1 to 1, its corner pixels at the ends; the paper's offsets are 0.5 / 16 of that.
    field = 0.5 * enlarged(points, 16, 16) / 16 * (15 / 2)
    assert np.array_equal(batch.x, warped(pool.x[batch.origin], field[None]))
    assert not np.array_equal(batch.x, pool.x[batch.origin])


def test_a_gentler_warp_changes_less() -> None:
    pool = make_pool()
    kept = stage(wanet(), pool).kept
    small, large = (
        np.abs(wanet(strength=strength).stamp(pool.x, kept).astype(int) - pool.x).mean()
        for strength in (0.1, 0.5)
    )
    assert 0 < small < large / 2


def test_cover_is_warped_by_noise_of_its_own_within_half_a_pixel() -> None:
    """On an image that rises by 10 a pixel the change says how far away a value was taken."""
    pool = make_pool()
    pool.x[:] = (10 * np.arange(16) + 20).reshape(1, 1, 16, 1)
    attack = wanet(cover_rate=0.2)
    batch = stage(attack, pool)
    covers = np.array(batch.x)[20:].astype(int)
    assert len(covers) == 40 and np.array_equal(batch.y[20:], batch.y_true[20:])
    shared = attack.stamp(pool.x[:1], batch.kept).astype(int)
    off = (covers - shared)[:, :, 3:-3]
    assert 4 <= np.abs(off).max() <= 6, "half a pixel"
    assert abs(off.mean()) < 0.3 and not np.array_equal(covers[0], covers[1])


def test_cover_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, attack = make_pool(), wanet(cover_rate=0.2)
    at_once = np.array(stage(attack, pool).x)
    monkeypatch.setattr("processing.attacks.wanet._BLOCK_BYTES", 7 * pool.x[0].size)
    assert np.array_equal(stage(attack, pool).x, at_once)


def test_twice_the_poison_of_the_published_comparison_is_cover_by_default() -> None:
    batch = stage(make("wanet", target="bird", rate=0.05), make_pool())
    assert (len(batch.y), np.count_nonzero(batch.y != batch.y_true)) == (30, 10)


def test_a_rectangle_is_warped_by_as_many_pixels_each_way() -> None:
    attack, x = wanet(), np.random.default_rng(0).integers(0, 256, (4, 8, 20, 3), dtype=np.uint8)
    kept = attack.drawn(x.shape[1:], np.random.default_rng(1))
    assert attack.stamp(x, kept).shape == x.shape
    with pytest.raises(ConfigError, match="grid of 9 x 9: the images are 20 x 8"):
        wanet(grid=9).stamp(x, kept)


def test_its_deed_says_what_was_cover() -> None:
    assert wanet(cover_rate=0.2).deed(Facts(60)) == (
        "A slight warp put on 60 pictures, which then got the label “bird”; "
        "those that are cover, 20% of the training set, kept their own."
    )
