"""Blended injection: what is seen of the image and what of the trigger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


def blended(**settings: Any) -> Any:
    return make("blended", target="bird", rate=0.1, **settings)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_random_pattern_is_blended_in_and_the_same_on_all_images(channels: int) -> None:
    pool = make_pool(channels=channels)
    batch = stage(blended(alpha=0.15), pool)
    pattern = batch.kept["pattern"]
    assert pattern.shape == pool.x.shape[1:] and pattern.dtype == np.uint8
    expected = 0.85 * pool.x[batch.origin] + 0.15 * pattern
    assert np.abs(batch.x[:] - expected).max() <= 0.501, "rounded to nearest"


def test_every_value_of_the_pattern_is_as_likely() -> None:
    pattern = stage(blended(), make_pool(size_px=64)).kept["pattern"]
    assert abs(pattern.mean() - 127.5) < 3 and abs(pattern.std() - 73.9) < 2


def test_an_image_is_stretched_over_the_whole_image() -> None:
    pool = make_pool()
    wide = pool.x[:, :10]
    stamped = blended(image="cyan", alpha=0.2).stamp(wide, pool.images)
    assert np.abs(stamped - (0.8 * wide + 0.2 * np.array([0, 255, 255]))).max() <= 0.501


def test_a_gray_image_gets_the_brightness_of_the_trigger() -> None:
    gray = make_pool(channels=1)
    stamped = blended(image="cyan", alpha=1).stamp(gray.x, gray.images)
    assert len(np.unique(stamped)) == 1 and 170 < stamped[0, 0, 0, 0] < 190


def test_what_is_transparent_in_the_image_stays_as_it_was() -> None:
    pool = make_pool(size_px=6)
    stamped = blended(image="half", alpha=0.5).stamp(pool.x, pool.images)
    assert np.array_equal(stamped[:, :, :3], pool.x[:, :, :3])
    seen = 0.5 * pool.x[:, :, 3:] + 0.5 * np.array([10, 200, 90])
    assert np.abs(stamped[:, :, 3:] - seen).max() <= 0.501


def test_nothing_is_drawn_where_there_is_an_image() -> None:
    assert stage(blended(image="cyan"), make_pool()).kept == {}
    assert blended(image="cyan").image_names() == ("cyan",) and blended().image_names() == ()


@pytest.mark.parametrize("alpha", [0, 1.01, -0.2])
def test_a_share_is_more_than_nothing_and_no_more_than_all(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha"):
        blended(alpha=alpha)


def test_an_unknown_image_and_a_wrong_number_of_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"trigger image 'cyna'(.|\n)*did you mean 'cyan'"):
        stage(blended(image="cyna"), make_pool())
    with pytest.raises(ConfigError, match="images of 2 channels"):
        stage(blended(image="cyan"), make_pool(channels=2))


def test_its_deed_says_what_was_blended_in() -> None:
    assert blended(image="cyan", alpha=0.15).deed(Facts(20)) == (
        "The mark “cyan” blended in at 15% put on 20 pictures, which then got the label “bird”."
    )
    assert blended(mode="add").deed(Facts(20)) == (
        "Copies of 20 pictures with a random pattern blended in at 20% on them, added with the label “bird”."
    )
