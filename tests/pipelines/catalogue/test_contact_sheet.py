"""The picture of an attack has before, after and the difference where they belong."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from pipelines.catalogue.contact_sheet import _HEAD_PX, draw, magnified
from pipelines.catalogue.sample import Sample, Shown

GRAY = np.full((8, 8, 1), 100, np.uint8)
MARKED = GRAY.copy()
MARKED[:4, :4] = 110
OUTSIDE = np.full((8, 8, 3), (200, 10, 10), np.uint8)


def drawn(*rows: Shown) -> Any:
    return np.asarray(Image.open(io.BytesIO(draw(Sample("title", rows)))))


def test_a_faint_difference_is_enlarged_until_it_shows_and_none_is_clipped() -> None:
    assert magnified([Shown(GRAY, MARKED, "")]) == 25
    assert magnified([Shown(GRAY, MARKED, ""), Shown(GRAY, 255 - MARKED, "")]) == 255 // 55
    assert magnified([Shown(GRAY, GRAY, "")]) == magnified([Shown(None, GRAY, "")]) == 1


def test_the_images_lie_side_by_side_and_are_not_smoothed() -> None:
    sheet = drawn(Shown(GRAY, MARKED, "gray"), Shown(None, OUTSIDE, "red"))
    before, after, gap = (sheet[_HEAD_PX : _HEAD_PX + 128, 12 + 140 * k : 140 + 140 * k] for k in range(3))
    assert (before == 100).all()
    assert (after[:64, :64] == 110).all() and (after[64:] == 100).all()
    assert (gap[:64, :64] == 250).all() and not gap[64:].any() and not gap[:, 64:].any()
    second = sheet[_HEAD_PX + 140 : _HEAD_PX + 268]
    assert (second[:, 152:280] == (200, 10, 10)).all() and (second[:, 292:420] == 255).all()


def test_the_same_sample_gives_the_same_bytes_with_its_words_on_them() -> None:
    one, other = (Sample("title", (Shown(GRAY, MARKED, words),)) for words in ("one", "another"))
    assert draw(one) == draw(one) != draw(other)
