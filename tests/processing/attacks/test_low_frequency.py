"""The smooth trigger: what frequencies it has, and how large it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage
from scipy.fft import dctn

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


def low_frequency(**settings: Any) -> Any:
    return make("low_frequency", target="bird", rate=0.1, **settings)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_pattern_has_low_frequencies_alone_and_no_constant_one(channels: int) -> None:
    smooth = stage(low_frequency(strength=100), make_pool(size_px=32, channels=channels)).kept["smooth"]
    for channel in range(channels):
        energy = dctn(smooth[..., channel].astype(float), norm="ortho") ** 2
        assert energy[:4, :4].sum() / energy.sum() > 0.999, "the rest is the rounding"
        assert energy[0, 0] / energy.sum() < 1e-3
        assert np.count_nonzero(energy[:4, :4] > 1e-4 * energy.sum()) > 8


@pytest.mark.parametrize("strength", [5, 16])
def test_the_largest_change_is_the_strength(strength: int) -> None:
    pool = make_pool()
    batch = stage(low_frequency(strength=strength), pool)
    change = batch.x[:].astype(int) - pool.x[batch.origin]
    assert np.abs(change).max() == strength == np.abs(batch.kept["smooth"]).max()
    assert np.array_equal(batch.x, np.clip(pool.x[batch.origin] + batch.kept["smooth"], 0, 255))


def test_channels_and_seeds_have_patterns_of_their_own() -> None:
    one, other = (stage(low_frequency(), make_pool(), seed).kept["smooth"] for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[..., 0], one[..., 1])


def test_an_image_may_be_any_rectangle() -> None:
    rng = np.random.default_rng(0)
    attack = low_frequency(band=3)
    assert attack.drawn((9, 14, 3), rng)["smooth"].shape == (9, 14, 3)
    with pytest.raises(ConfigError, match="band 17: images of 16 x 16 have 16 frequencies"):
        stage(low_frequency(band=17), make_pool())


def test_its_deed_says_what_it_looks_like() -> None:
    assert low_frequency().deed(Facts(20)) == (
        "A smooth pattern put on 20 pictures, which then got the label “bird”."
    )
