"""ART's backdoors: bit for bit what ART makes of images in [0, 1], without its traps on 0..255."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import as_bytes, as_fractions, make_example, make_pool, stage
from PIL import Image

from boomerang.errors import ConfigError
from processing.attacks.common.art import art_module

KINDS = ["art_single_pixel", "art_pattern", "art_insert_image"]


def perturbations() -> Any:
    """Return ART's own, imported when a test asks."""
    return art_module(".perturbations")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("distance_px", [1, 2, 7])
@pytest.mark.parametrize(
    ("kind", "name"), [("art_single_pixel", "add_single_bd"), ("art_pattern", "add_pattern_bd")]
)
def test_pixels_are_those_of_art(kind: str, name: str, distance_px: int, channels: int) -> None:
    x = make_pool(channels=channels).x
    expected = as_bytes(getattr(perturbations(), name)(as_fractions(x), distance=distance_px))
    assert np.array_equal(make_example(kind, distance_px=distance_px).stamp(x, {}), expected)


@pytest.mark.parametrize(("kind", "reach_px"), [("art_single_pixel", 17), ("art_pattern", 15)])
def test_a_pattern_that_would_wrap_around_is_refused(kind: str, reach_px: int) -> None:
    pool = make_pool()
    make_example(kind, distance_px=reach_px - 1).stamp(pool.x, {})
    with pytest.raises(ConfigError, match="it reaches 17 pixels"):
        make_example(kind, distance_px=reach_px).stamp(pool.x, {})
    with pytest.raises(ConfigError, match="it reaches 17 pixels"):
        make_example(kind, distance_px=reach_px).check_image((16, 16, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_batch_stays_empty_and_the_input_stays_as_it_was(kind: str) -> None:
    pool = make_pool()
    attack = make_example(kind)
    assert attack.stamp(pool.x[:0], pool.images).shape == (0, 16, 16, 3)
    before = pool.x.copy()
    assert not np.array_equal(attack.stamp(pool.x, pool.images), before)
    assert np.array_equal(pool.x, before)


def test_the_traps_of_art_are_still_there() -> None:
    """If ART repairs one of these, its workaround here can go."""
    x = make_pool().x
    near_black = perturbations().insert_image(x, backdoor_path=_cyan(), random=False, mode="RGB")
    assert near_black.max() <= 1
    assert perturbations().add_single_bd(x)[0, 14, 14].tolist() == [1, 1, 1]
    lone = perturbations().add_single_bd(np.zeros((16, 16, 3)), pixel_value=255)
    assert np.count_nonzero(lone) == 16


def _cyan() -> Any:
    buffer = BytesIO()
    Image.new("RGBA", (4, 4), "cyan").save(buffer, "PNG")
    return buffer


@pytest.mark.parametrize("kind", KINDS)
def test_they_poison_like_every_backdoor(kind: str) -> None:
    pool = make_pool()
    attack = make_example(kind, source="dog")
    batch = stage(attack, pool)
    assert len(batch.replaced) == 20 and set(batch.y_true) == {3} and set(batch.y) == {1}
    assert np.array_equal(batch.x, attack.stamp(pool.x[batch.origin], pool.images))
