"""ART's pattern; what the two pixel attacks share is tested in common/test_art.py."""

from __future__ import annotations

import numpy as np
from helpers.attack_pools import make_example

from processing.attacks.common.deeds import Facts


def test_the_pattern_is_four_pixels_of_the_value() -> None:
    x = np.zeros((1, 16, 16, 3), np.uint8)
    stamped = make_example("art_pattern", value=200).stamp(x, {})
    rows, columns = np.nonzero(stamped[0, ..., 0])
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [
        (12, 14),
        (13, 13),
        (14, 12),
        (14, 14),
    ]
    assert set(stamped[stamped > 0]) == {200}


def test_its_deed_says_how_small_it_is() -> None:
    assert make_example("art_pattern").deed(Facts(20)) == (
        "A pattern of four pixels put on 20 pictures, which then got the label “bird”."
    )
