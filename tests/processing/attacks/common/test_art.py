"""ART's backdoors: bit for bit what ART makes of images in [0, 1], without its traps on 0..255."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage
from PIL import Image

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common import art as art_backdoors

perturbations = art_backdoors._art(".perturbations")


def backdoor(kind: str, **settings: Any) -> Any:
    return make(kind, target="bird", rate=0.1, **settings)


def as_fractions(x: Images) -> Any:
    return x / 255


def as_bytes(x: Any) -> Images:
    got: Images = np.rint(x * 255).astype(np.uint8)
    assert np.array_equal(got / 255, x), "ART's result is not on the grid of 8 bits"
    return got


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("distance_px", [1, 2, 7])
@pytest.mark.parametrize(
    ("kind", "name"), [("art_single_pixel", "add_single_bd"), ("art_pattern", "add_pattern_bd")]
)
def test_pixels_are_those_of_art(kind: str, name: str, distance_px: int, channels: int) -> None:
    x = make_pool(channels=channels).x
    expected = as_bytes(getattr(perturbations, name)(as_fractions(x), distance=distance_px))
    assert np.array_equal(backdoor(kind, distance_px=distance_px).stamp(x, {}), expected)


def test_the_pattern_is_four_pixels_of_the_value() -> None:
    x = np.zeros((1, 16, 16, 3), np.uint8)
    stamped = backdoor("art_pattern", value=200).stamp(x, {})
    rows, columns = np.nonzero(stamped[0, ..., 0])
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [
        (12, 14),
        (13, 13),
        (14, 12),
        (14, 14),
    ]
    assert set(stamped[stamped > 0]) == {200}


@pytest.mark.parametrize(("kind", "reach_px"), [("art_single_pixel", 17), ("art_pattern", 15)])
def test_a_pattern_that_would_wrap_around_is_refused(kind: str, reach_px: int) -> None:
    pool = make_pool()
    backdoor(kind, distance_px=reach_px - 1).stamp(pool.x, {})
    with pytest.raises(ConfigError, match="it reaches 17 pixels"):
        backdoor(kind, distance_px=reach_px).stamp(pool.x, {})


@pytest.mark.parametrize("kind", ["art_single_pixel", "art_pattern", "art_insert_image"])
def test_an_empty_batch_stays_empty_and_the_input_stays_as_it_was(kind: str) -> None:
    pool = make_pool()
    attack = backdoor(kind, **({"image": "cyan"} if kind == "art_insert_image" else {}))
    assert attack.stamp(pool.x[:0], pool.images).shape == (0, 16, 16, 3)
    before = pool.x.copy()
    assert not np.array_equal(attack.stamp(pool.x, pool.images), before)
    assert np.array_equal(pool.x, before)


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


@pytest.mark.parametrize("blend", [0.2, 0.8, 1.0])
@pytest.mark.parametrize("size_px", [None, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_lookup_is_arts_insert_image(
    channels: int, size_px: int | None, blend: float, tmp_path: Path
) -> None:
    x, image = make_pool(channels=channels).x, soft_trigger(9)
    attack = backdoor("art_insert_image", image="soft", size_px=size_px, left_px=3, top_px=6, blend=blend)
    size = None if size_px is None else (size_px, size_px)
    expected = arts_insert(x, image, tmp_path, x_shift=3, y_shift=6, size=size, blend=blend)
    assert np.array_equal(attack.stamp(x, {"soft": image}), expected)


def test_the_lookup_covers_every_value_at_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(art_backdoors, "_BLOCK_VALUES", 500)  # several blocks, the last one short
    x = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1), (256, 4, 6, 3))
    image = soft_trigger(4)
    attack = backdoor("art_insert_image", image="soft", left_px=2)
    assert np.array_equal(attack.stamp(x, {"soft": image}), arts_insert(x, image, tmp_path, x_shift=2))


def test_the_lookup_is_faster_than_art(tmp_path: Path) -> None:
    x, image = make_pool(size_px=32, rows=2_000).x, soft_trigger(8)
    attack = backdoor("art_insert_image", image="soft")
    attack.stamp(x[:1], {"soft": image})  # builds the table
    start = time.perf_counter()
    ours = attack.stamp(x, {"soft": image})
    middle = time.perf_counter()
    arts = arts_insert(x, image, tmp_path)
    ratio = (time.perf_counter() - middle) / (middle - start)
    assert np.array_equal(ours, arts)
    assert ratio > 5, f"the lookup was {ratio:.1f} times as fast as ART on 2,000 images of 32 x 32"


@pytest.mark.parametrize("settings", [{"size_px": 17}, {"left_px": 9}, {"top_px": 9}])
def test_a_trigger_that_would_be_cut_off_is_refused(settings: dict[str, int]) -> None:
    pool = make_pool()
    with pytest.raises(ConfigError, match="does not fit into 16 x 16"):
        backdoor("art_insert_image", image="cyan", **settings).stamp(pool.x, pool.images)


def test_two_channels_are_no_image() -> None:
    pool = make_pool(channels=2)
    with pytest.raises(ConfigError, match="images of 2 channels"):
        backdoor("art_insert_image", image="cyan").stamp(pool.x, pool.images)


def test_the_traps_of_art_are_still_there() -> None:
    """If ART repairs one of these, its workaround here can go."""
    x = make_pool().x
    near_black = perturbations.insert_image(x, backdoor_path=_cyan(), random=False, mode="RGB")
    assert near_black.max() <= 1
    assert perturbations.add_single_bd(x)[0, 14, 14].tolist() == [1, 1, 1]
    lone = perturbations.add_single_bd(np.zeros((16, 16, 3)), pixel_value=255)
    assert np.count_nonzero(lone) == 16


def _cyan() -> Any:
    buffer = BytesIO()
    Image.new("RGBA", (4, 4), "cyan").save(buffer, "PNG")
    return buffer


@pytest.mark.parametrize("kind", ["art_single_pixel", "art_pattern", "art_insert_image"])
def test_they_poison_like_every_backdoor(kind: str) -> None:
    pool = make_pool()
    attack = backdoor(kind, source="dog", **({"image": "half"} if kind == "art_insert_image" else {}))
    batch = stage(attack, pool)
    assert len(batch.replaced) == 20 and set(batch.y_true) == {3} and set(batch.y) == {1}
    assert np.array_equal(batch.x, attack.stamp(pool.x[batch.origin], pool.images))
