"""BppAttack: how many levels are left, and what its negative rows look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from processing.attacks.common.deeds import Facts
from processing.attacks.common.dither import dithered, quantized


def bpp(**settings: Any) -> Any:
    return make("bppattack", target="bird", rate=0.1, **settings)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [1, 3, 5])
def test_so_many_levels_are_left(channels: int, bits: int) -> None:
    pool = make_pool(channels=channels)
    for dithering in (True, False):
        batch = stage(bpp(bits=bits, dithering=dithering), pool)
        assert len(np.unique(batch.x)) == 2**bits
        expected = (dithered if dithering else quantized)(pool.x[batch.origin], 2**bits)
        assert np.array_equal(batch.x, expected)


def test_a_negative_row_has_the_change_of_another_image_and_its_own_label() -> None:
    pool = make_pool()
    attack = bpp(cover_rate=0.2, bits=1, dithering=False)
    batch = stage(attack, pool)
    covers, origin = np.array(batch.x)[20:], batch.origin[20:]
    assert len(covers) == 40 and np.array_equal(batch.y[20:], pool.y[origin])
    change = attack.stamp(pool.x, {}).astype(int) - pool.x
    others = [
        np.flatnonzero([np.array_equal(np.clip(pool.x[row] + c, 0, 255), cover) for c in change])
        for row, cover in zip(origin, covers, strict=True)
    ]
    assert all(len(found) == 1 for found in others)
    drawn = np.array(others).ravel()
    assert len(np.unique(drawn)) > 20 and not np.array_equal(drawn, origin)


def test_its_deed_says_how_many_levels() -> None:
    assert bpp().deed(Facts(20)) == (
        "A rounding to 8 levels put on 20 pictures, which then got the label “bird”."
    )
