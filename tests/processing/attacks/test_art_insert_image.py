"""ART's insert image: looked up in a table, bit for bit what ART makes of each image."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import as_bytes, as_fractions, make, make_pool, stage
from PIL import Image

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common import pixels
from processing.attacks.common.art import art_module
from processing.attacks.common.deeds import Facts
from processing.attacks.common.places import own_places
from processing.attacks.common.trigger_images import load_images

perturbations = art_module(".perturbations")


def insertion(**settings: Any) -> Any:
    return make("art_insert_image", target="bird", rate=0.1, **settings)


def arts_insert(x: Images, image: Images, tmp_path: Path, **settings: Any) -> Images:
    """Run ART as its users do: a file, fractions, a mode."""
    Image.fromarray(image).save(tmp_path / "trigger.png")
    return as_bytes(
        perturbations.insert_image(
            as_fractions(x),
            backdoor_path=str(tmp_path / "trigger.png"),
            random=False,
            mode="L" if x.shape[3] == 1 else "RGB",
            **settings,
        )
    )


def soft_trigger(side_px: int) -> Images:
    return np.random.default_rng(3).integers(0, 256, (side_px, side_px, 4), dtype=np.uint8)


def places_of(x: Any) -> set[tuple[int, int]]:
    """Return where the white square of images that are else dark begins."""
    return {tuple(int(where.min()) for where in np.nonzero(image[..., 0] == 1)) for image in x}


@pytest.mark.parametrize("blend", [0.2, 0.8, 1.0])
@pytest.mark.parametrize("size_px", [None, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_lookup_is_arts_insert_image(
    channels: int, size_px: int | None, blend: float, tmp_path: Path
) -> None:
    x, image = make_pool(channels=channels).x, soft_trigger(9)
    attack = insertion(image="soft", size_px=size_px, left_px=3, top_px=6, blend=blend)
    size = None if size_px is None else (size_px, size_px)
    expected = arts_insert(x, image, tmp_path, x_shift=3, y_shift=6, size=size, blend=blend)
    assert np.array_equal(attack.stamp(x, {"soft": image}), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_in_a_random_place_each_image_is_arts_for_that_place(channels: int, tmp_path: Path) -> None:
    x, image = make_pool(channels=channels, rows=40).x, soft_trigger(9)
    stamped = insertion(image="soft", place="random").stamp(x, {"soft": image})
    places = own_places(x, (8, 8))
    assert len(np.unique(places, axis=0)) > 20
    for number, (top_px, left_px) in enumerate(places):
        one = x[number : number + 1]
        expected = arts_insert(one, image, tmp_path, x_shift=int(left_px), y_shift=int(top_px))
        assert np.array_equal(stamped[number], expected[0])


def test_art_draws_among_the_same_places(tmp_path: Path) -> None:
    x = np.zeros((300, 12, 12, 1), np.uint8)
    white = np.full((9, 9, 4), 255, np.uint8)
    Image.fromarray(white).save(tmp_path / "white.png")
    # ART draws from numpy's global state: that one of 16 places is missing has a chance of 1 in 10 million.
    art = perturbations.insert_image(x / 255, backdoor_path=str(tmp_path / "white.png"), mode="L", blend=1.0)
    pool = make_pool(size_px=12, channels=1, rows=3000)
    dark = replace(pool, x=np.zeros_like(pool.x), images={"white": white})
    ours = stage(insertion(image="white", place="random", blend=1.0), dark)
    expected = {(top_px, left_px) for top_px in range(4) for left_px in range(4)}
    assert places_of(art) == places_of(ours.x[:] / 255) == expected


def test_the_lookup_covers_every_value_at_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "_VALUES_AT_ONCE", 500)  # several blocks, the last one short
    x = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1), (256, 4, 6, 3))
    image = soft_trigger(4)
    attack = insertion(image="soft", left_px=2)
    assert np.array_equal(attack.stamp(x, {"soft": image}), arts_insert(x, image, tmp_path, x_shift=2))


def test_the_lookup_is_faster_than_art(tmp_path: Path) -> None:
    x, image = make_pool(size_px=32, rows=2_000).x, soft_trigger(8)
    attack = insertion(image="soft")
    attack.stamp(x[:1], {"soft": image})  # builds the table
    start = time.perf_counter()
    ours = attack.stamp(x, {"soft": image})
    middle = time.perf_counter()
    arts = arts_insert(x, image, tmp_path)
    ratio = (time.perf_counter() - middle) / (middle - start)
    assert np.array_equal(ours, arts)
    assert ratio > 5, f"the lookup was {ratio:.1f} times as fast as ART on 2,000 images of 32 x 32"


def test_a_trigger_far_too_large_is_refused_before_anything_is_made_of_it() -> None:
    pool = make_pool()
    with pytest.raises(ConfigError, match="4000 x 4000 at"):  # its table would have 12 GB
        insertion(image="cyan", size_px=4000).stamp(pool.x, pool.images)


@pytest.mark.parametrize("settings", [{"size_px": 17}, {"left_px": 9}, {"top_px": 9}])
def test_a_trigger_that_would_be_cut_off_is_refused(settings: dict[str, int]) -> None:
    pool = make_pool()
    with pytest.raises(ConfigError, match="does not fit into 16 x 16"):
        insertion(image="cyan", **settings).stamp(pool.x, pool.images)


def test_a_trigger_whose_size_is_known_is_held_against_the_images_before_any_is_there() -> None:
    insertion(image="cyan", left_px=9).check_image((16, 16, 3))  # its size stands in its file
    with pytest.raises(ConfigError, match=r"8 x 8 at \(9, 0\) does not fit into 16 x 16"):
        insertion(image="cyan", size_px=8, left_px=9).check_image((16, 16, 3))
    insertion(image="cyan", size_px=8, left_px=9, place="random").check_image((16, 16, 3))
    with pytest.raises(ConfigError, match="17 x 17 at"):
        insertion(image="cyan", size_px=17, place="random").check_image((16, 16, 3))


def test_two_channels_are_no_image() -> None:
    pool = make_pool(channels=2)
    with pytest.raises(ConfigError, match="images of 2 channels"):
        insertion(image="cyan").stamp(pool.x, pool.images)


def test_a_trigger_of_16_bits_is_scaled_where_art_cuts_it_off(tmp_path: Path) -> None:
    file = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 4), 0x4000, np.uint16)).save(file)
    x = np.zeros((1, 4, 4, 1), np.uint8)
    ours = insertion(image="deep", blend=1.0).stamp(x, load_images(tmp_path))
    arts = perturbations.insert_image(x / 255, backdoor_path=str(file), random=False, mode="L", blend=1.0)
    assert set(ours.ravel()) == {64} and set(as_bytes(arts).ravel()) == {255}


def test_its_deed_names_the_image() -> None:
    assert insertion(image="cyan").deed(Facts(20)) == (
        "The mark “cyan” put on 20 pictures, which then got the label “bird”."
    )
