"""ART's single pixel; what the two pixel attacks share is tested in common/test_art.py."""

from __future__ import annotations

import numpy as np
from helpers.attack_pools import make_example

from processing.attacks.common.deeds import Facts


def test_it_is_one_pixel_of_the_value() -> None:
    x = np.zeros((1, 16, 16, 3), np.uint8)
    stamped = make_example("art_single_pixel", distance_px=3, value=200).stamp(x, {})
    assert np.argwhere(stamped).tolist() == [[0, 13, 13, channel] for channel in range(3)]
    assert set(stamped[stamped > 0]) == {200}


def test_its_deed_says_how_small_it_is() -> None:
    assert make_example("art_single_pixel").deed(Facts(20)) == (
        "A single pixel put on 20 pictures, which then got the label “bird”."
    )
