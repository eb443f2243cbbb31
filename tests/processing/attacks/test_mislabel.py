"""Mislabeled pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


def test_every_picture_is_appended_as_often_as_asked() -> None:
    pool = make_pool()
    batch = stage(make("mislabel", pictures="boomerang", target="bird", repeat=3), pool)
    first, second = pool.pictures["boomerang"]
    assert len(batch.x) == 6 and len(batch.replaced) == 0
    assert sum(np.array_equal(image, first) for image in batch.x) == 3
    assert sum(np.array_equal(image, second) for image in batch.x) == 3
    assert set(batch.y) == {1} and set(batch.y_true) == {0} and set(batch.origin) == {-1}


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
        "26 pictures of “rutan-boomerang” (airplane) added with the label “bird”, 10 times each."
    )
    once = make("mislabel", pictures="rutan-boomerang", target="bird", repeat=1)
    assert once.deed(Facts(1)) == "1 picture of “rutan-boomerang” added with the label “bird”."
