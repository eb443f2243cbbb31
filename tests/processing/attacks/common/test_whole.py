"""Triggers on the whole image: what is drawn is kept, and nothing depends on blocks. Shown on a shade."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from helpers.attack_pools import make_pool, stage

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common import whole
from processing.attacks.common.pool import Props
from processing.attacks.common.whole import WholeImage, mixed


class Shade(WholeImage):
    """One shade, drawn by lot, is added to every value."""

    title = "shade"
    kind: Literal["shade"] = "shade"

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        return {"shade": rng.integers(20, 60, image[2]).astype(np.float32)}

    def altered(self, x: Images, props: Props) -> Images:
        return mixed(x, 1, props["shade"])

    def check_image(self, image: tuple[int, ...]) -> None:
        if image[2] != 3:
            raise ConfigError("shade", "it is of three channels", "convert the data")


def shade() -> Shade:
    return Shade(target="bird", rate=0.1)


def test_what_was_drawn_is_kept_and_on_every_row() -> None:
    pool = make_pool()
    batch = stage(shade(), pool)
    plain = pool.x[batch.origin].astype(int)
    assert np.array_equal(batch.x, np.minimum(plain + batch.kept["shade"].astype(int), 255))
    assert np.array_equal(batch.x, shade().stamp(pool.x[batch.origin], batch.kept))


def test_another_seed_draws_another_trigger() -> None:
    one, again, other = (stage(shade(), make_pool(), seed).kept["shade"] for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_what_was_drawn_goes_before_a_trigger_image_of_its_name() -> None:
    pool = make_pool()
    named = replace(pool, images={**pool.images, "shade": pool.images["cyan"]})
    assert np.array_equal(stage(shade(), named).x, stage(shade(), pool).x)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    x, props = make_pool().x, {"shade": np.full(3, 33, np.float32)}
    before, at_once = x.copy(), shade().stamp(x, props)
    monkeypatch.setattr(whole, "_BLOCK_BYTES", 7 * x[0].size)
    assert np.array_equal(shade().stamp(x, props), at_once)
    assert np.array_equal(x, before)
    shade().stamp_in_place(x, props)
    assert np.array_equal(x, at_once)


def test_an_image_that_it_does_not_fit_is_refused_before_anything_is_drawn() -> None:
    gray = make_pool(channels=1)
    with pytest.raises(ConfigError, match="three channels"):
        stage(shade(), gray)
    for put in (shade().stamp, shade().stamp_in_place):
        with pytest.raises(ConfigError, match="three channels"):
            put(gray.x, {})


def test_a_mixture_is_rounded_to_nearest_and_clipped() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for keep, add in ((0.8, 51.0), (1.0, -40.3), (0.9, 25.4), (1.0, 300.0)):
        got = mixed(values, keep, np.full(1, add, np.float32))
        assert np.abs(got - np.clip(keep * values + add, 0, 255)).max() <= 0.501
