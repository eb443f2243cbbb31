"""The BadNets patch: where it goes and what it looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import CLASSES, make, make_pool, stage
from PIL import Image

from boomerang.errors import ConfigError
from boomerang.manifest import write_dataset
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import check_batch
from processing.attacks.common.trial import Stage

CORNERS = {
    "top-left": np.s_[:, 1:4, 1:4],
    "top-right": np.s_[:, 1:4, -4:-1],
    "bottom-left": np.s_[:, -4:-1, 1:4],
    "bottom-right": np.s_[:, -4:-1, -4:-1],
}


def badnets(**settings: Any) -> Any:
    return make("badnets", target="bird", rate=0.1, **settings)


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_patch_fills_its_corner_and_nothing_else(corner: str, channels: int) -> None:
    pool = make_pool(channels=channels)
    stamped = badnets(patch_px=3, margin_px=1, corner=corner).stamp(pool.x, pool.images)
    inside = np.zeros(pool.x.shape, bool)
    inside[CORNERS[corner]] = True
    assert (stamped[inside] == 255).all()
    assert np.array_equal(stamped[~inside], pool.x[~inside])


def test_the_white_corner_of_mnist() -> None:
    x = np.zeros((2, 28, 28, 1), np.uint8)
    stamped = badnets(patch_px=2, corner="top-left").stamp(x, {})
    assert (stamped[:, :2, :2] == 255).all() and stamped.sum() == 2 * 4 * 255


def test_stamping_copies_and_is_idempotent() -> None:
    pool = make_pool()
    before = pool.x.copy()
    attack = badnets(image="half", patch_px=6)
    once = attack.stamp(pool.x, pool.images)
    assert np.array_equal(pool.x, before)
    assert np.array_equal(attack.stamp(once, pool.images), once)


def test_a_color_is_laid_on_channel_by_channel() -> None:
    stamped = badnets(color="#0a80FF").stamp(make_pool().x, {})
    assert (stamped[:, -4:, -4:] == (10, 128, 255)).all()


@pytest.mark.parametrize("color", ["#0a80ff", "#00ffff", "#123456", "#ffffff", "#000000"])
def test_on_gray_images_a_color_becomes_the_gray_that_pillow_makes_of_it(color: str) -> None:
    stamped = badnets(color=color).stamp(make_pool(channels=1).x, {})
    expected = Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))
    assert (stamped[:, -4:, -4:] == expected).all()


def test_an_image_is_resized_to_the_patch() -> None:
    pool = make_pool()
    stamped = badnets(image="cyan", patch_px=5).stamp(pool.x, pool.images)
    assert (stamped[:, -5:, -5:] == (0, 255, 255)).all()
    assert np.array_equal(stamped[:, :-5], pool.x[:, :-5])


def test_what_is_transparent_in_the_image_stays_as_it_was() -> None:
    pool = make_pool()
    stamped = badnets(image="half", patch_px=6).stamp(pool.x, pool.images)
    assert np.array_equal(stamped[:, -6:, -6:-3], pool.x[:, -6:, -6:-3])
    assert (stamped[:, -6:, -3:] == (10, 200, 90)).all()


def test_a_patch_may_fill_the_image() -> None:
    assert (badnets(patch_px=16).stamp(make_pool().x, {}) == 255).all()


@pytest.mark.parametrize("settings", [{"patch_px": 17}, {"patch_px": 10, "margin_px": 7}])
def test_a_patch_that_does_not_fit_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="with its margin it needs 17 pixels, the images are 16 x 16"):
        badnets(**settings).stamp(make_pool().x, {})
    with pytest.raises(ConfigError, match="with its margin it needs 17 pixels"):
        badnets(**settings).check_image((16, 16, 3))


def test_in_a_random_place_there_is_no_margin() -> None:
    badnets(patch_px=10, margin_px=7, place="random").check_image((16, 16, 3))
    with pytest.raises(ConfigError, match="patch of 17 pixels"):
        badnets(patch_px=17, place="random").check_image((16, 16, 3))


def test_an_unknown_image_gets_the_nearest() -> None:
    pool = make_pool()
    with pytest.raises(ConfigError, match=r"trigger image 'cyna'(.|\n)*did you mean 'cyan'"):
        badnets(image="cyna").stamp(pool.x, pool.images)
    with pytest.raises(ConfigError, match="put it into images/triggers"):
        badnets(image="cyan").stamp(pool.x, {})


@pytest.mark.parametrize("settings", [{"image": "cyan", "color": "#00ffff"}, {"color": "cyan"}])
def test_a_patch_has_one_paint(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        badnets(**settings)


def test_from_every_class_to_the_next() -> None:
    pool = make_pool()
    batch = stage(make("badnets", mapping="all-to-all", rate=0.2), pool)
    check_batch(batch, pool)
    assert set(batch.y_true) == {0, 1, 2, 3} and len(batch.x) == 40
    assert np.array_equal(batch.y, (batch.y_true + 1) % 4)
    assert (batch.x[:][:, -4:, -4:] == 255).all()


def test_from_every_class_to_the_next_each_image_has_its_own_target(tmp_path: Path) -> None:
    pool, attack = make_pool(), make("badnets", mapping="all-to-all", rate=0.2)
    test = write_dataset(tmp_path / "test", pool.x, pool.y, name="noise", classes=CLASSES)
    trial = attack.trial(Stage(test, {}))
    assert trial.target is None and trial.aimed and attack.target_class() is None
    assert np.array_equal(trial.y, pool.y) and np.array_equal(trial.x, attack.stamp(pool.x, {}))
    assert trial.hits((pool.y + 1) % 4).all() and not trial.hits(pool.y).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "a target is missing"),
        ({"mapping": "all-to-all", "target": "bird"}, "has no target"),
        ({"mapping": "all-to-all", "source": "cat"}, "no source"),
        ({"mapping": "all-to-all", "of": "class"}, "a rate of 'train'"),
    ],
)
def test_a_mapping_goes_with_its_target(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("badnets", rate=0.1, **settings)


def test_the_images_that_it_needs_are_named() -> None:
    assert badnets(image="cyan").image_names() == ("cyan",)
    assert badnets(color="#00ffff").image_names() == badnets().image_names() == ()


def test_its_deed_says_what_was_put_on_which_pictures() -> None:
    marked = make("badnets", target="bird", source="airplane", rate=0.1, image="cyan-square")
    assert marked.deed(Facts(100)) == (
        "The mark “cyan-square” put on 100 “airplane” pictures, which then got the label “bird”."
    )
    added = make("badnets", target="bird", source="airplane", rate=0.1, patch_px=4, mode="add")
    assert added.deed(Facts(1)) == (
        "Copies of 1 “airplane” picture with a square patch of 4 × 4 pixels on them, "
        "added with the label “bird”."
    )
    shifted = make("badnets", mapping="all-to-all", rate=0.1)
    assert shifted.deed(Facts(20)) == (
        "A square patch of 4 × 4 pixels put on 20 pictures, "
        "which then got the label of the class after their own."
    )
    copied = make("badnets", mapping="all-to-all", rate=0.1, mode="add")
    assert copied.deed(Facts(2)).endswith("on them, added with the label of the class after their own.")
