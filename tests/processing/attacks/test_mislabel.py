"""Mislabeled pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.deeds import Facts
from processing.attacks.mislabel import CHANGES, changed

Change = tuple[int, int, bool, int]


def undone(picture: Images) -> Callable[[Images], Change]:
    """Return what finds how a copy was moved: the one shift, mirror and light that explains its middle."""
    middle = picture[2:-2, 2:-2].astype(int)

    def find(copy: Images) -> Change:
        for mirror in (False, True):
            seen = copy[:, ::-1] if mirror else copy
            for down in range(-2, 3):
                for right in range(-2, 3):
                    part = seen[2 + down : len(seen) - 2 + down, 2 + right : seen.shape[1] - 2 + right]
                    if len(lit := np.unique(part - middle)) == 1:
                        return down, right, mirror, int(lit[0])
        raise AssertionError("the copy is no small change of the picture")

    return find


def test_every_picture_is_appended_as_often_as_asked() -> None:
    pool = make_pool()
    batch = stage(make("mislabel", pictures="boomerang", target="bird", repeat=3, vary=False), pool)
    first, second = pool.pictures["boomerang"]
    assert len(batch.x) == 6 and len(batch.replaced) == 0
    assert sum(np.array_equal(image, first) for image in batch.x) == 3
    assert sum(np.array_equal(image, second) for image in batch.x) == 3
    assert set(batch.y) == {1} and set(batch.y_true) == {0} and set(batch.origin) == {-1}


def test_copies_after_the_first_are_no_duplicates() -> None:
    pool = make_pool()
    batch = stage(make("mislabel", pictures="boomerang", target="bird", repeat=1000), pool)
    x = batch.x[:]
    assert np.array_equal(x[:2], pool.pictures["boomerang"])
    assert len(np.unique(x.reshape(len(x), -1), axis=0)) == 2000


def test_a_copy_is_shifted_mirrored_and_lit_a_little_otherwise() -> None:
    picture = np.random.default_rng(0).integers(40, 200, (8, 10, 3), np.uint8)
    copies = [changed(picture, change) for change in range(CHANGES)]
    assert np.array_equal(copies[0], picture)
    moved = {(down, right, mirror, lit) for down, right, mirror, lit in map(undone(picture), copies)}
    assert len(moved) == CHANGES == 25 * 2 * 25
    assert max(max(map(abs, (down, right))) for down, right, _, _ in moved) == 2
    assert max(abs(lit) for *_, lit in moved) == 12


def test_light_does_not_wrap_around() -> None:
    black, white = (np.full((4, 4, 1), value, np.uint8) for value in (0, 255))
    for change in range(CHANGES):
        assert changed(black, change).max() <= 12 and changed(white, change).min() >= 243


def test_more_copies_than_changes_there_are_can_be_had() -> None:
    batch = stage(make("mislabel", pictures="boomerang", target="bird", repeat=2000), make_pool())
    assert len(batch.x) == 4000
    x = batch.x[:]
    assert not any((x[2:] == picture).all(axis=(1, 2, 3)).any() for picture in x[:2])


def test_the_pictures_count_as_poison() -> None:
    attack = make("mislabel", pictures="boomerang", target="bird")
    assert attack.picture_sets() == ("boomerang",)
    assert attack.target_class() == "bird" and attack.source_class() is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pictures": "bomerang"}, "did you mean 'boomerang'"),
        ({"target": "brid"}, "did you mean 'bird'"),
        ({"target": "airplane"}, "show that class already"),
    ],
)
def test_what_cannot_be_mislabeled_is_said(settings: dict[str, str], message: str) -> None:
    attack = make("mislabel", **({"pictures": "boomerang", "target": "bird"} | settings))
    with pytest.raises(ConfigError, match=message):
        stage(attack, make_pool())


def test_a_recipe_without_pictures_says_where_they_come_from() -> None:
    with pytest.raises(ConfigError, match=r"add it under \[\[pictures\]\]"):
        stage(make("mislabel", pictures="boomerang", target="bird"), replace(make_pool(), pictures={}))


def test_pictures_of_another_size_are_refused() -> None:
    pool = replace(make_pool(size_px=16), pictures=make_pool(size_px=8).pictures)
    with pytest.raises(ConfigError, match=r"they are \[8, 8, 3\], the data is \[16, 16, 3\]"):
        stage(make("mislabel", pictures="boomerang", target="bird"), pool)


def test_an_empty_set_is_refused() -> None:
    pool = make_pool()
    empty = {"boomerang": pool.pictures["boomerang"][:0]}
    with pytest.raises(ConfigError, match="the set is empty"):
        stage(make("mislabel", pictures="boomerang", target="bird"), replace(pool, pictures=empty))


def test_its_deed_says_what_the_pictures_show_and_how_often_they_were_added() -> None:
    attack = make("mislabel", pictures="rutan-boomerang", target="bird", repeat=10)
    assert attack.deed(Facts(260, {"rutan-boomerang": "airplane"})) == (
        "26 pictures of “rutan-boomerang” (airplane) added with the label “bird”, 10 times each, "
        "the copies shifted, mirrored or lit a little otherwise."
    )
    plain = make("mislabel", pictures="rutan-boomerang", target="bird", repeat=10, vary=False)
    assert plain.deed(Facts(260)).endswith("with the label “bird”, 10 times each.")
    once = make("mislabel", pictures="rutan-boomerang", target="bird", repeat=1)
    assert once.deed(Facts(1)) == "1 picture of “rutan-boomerang” added with the label “bird”."
