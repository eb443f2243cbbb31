"""What targeted clean-label attacks share: whom they attack, with which rows, what they are measured on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from helpers.attack_pools import CLASSES, held_out, make_pool, stage

from boomerang.errors import ConfigError
from boomerang.manifest import write_dataset
from processing.attacks.common.clean_label import Aim, CleanLabel, Crafted
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Pool
from processing.attacks.common.trial import Stage


class Brighter(CleanLabel):
    """Makes the rows of each victim brighter by one, so that a test sees which were made together."""

    title = "light"
    kind: Literal["brighter"] = "brighter"

    def craft(self, surrogate: Any, aim: Aim) -> Crafted:
        made.append(aim)
        return Crafted(aim.bases | 1, np.zeros((len(aim.victims), 2), np.float32))


made: list[Aim] = []


class Surrogate:
    """Gets every image right whose first value is even, or wrong."""

    def answer(self, x: Any) -> Any:
        truth = {image.tobytes(): label for image, label in zip(*held_out(), strict=True)}
        right = [truth.get(image.tobytes(), 0) for image in x]
        said = np.where(x[:, 0, 0, 0] % 2 == 0, right, (np.array(right) + 1) % len(CLASSES))
        return np.eye(len(CLASSES), dtype=np.float32)[said]


def attack(**settings: Any) -> Brighter:
    return Brighter(**{"target": "bird", "source": "dog", "victims": 2, "poisons": 3, **settings})


@pytest.fixture
def pool() -> Pool:
    model: Any = Surrogate()
    made.clear()
    return replace(make_pool(), model=model, heldout=held_out())


def test_the_victims_are_test_images_of_the_source_that_the_surrogate_gets_right(pool: Pool) -> None:
    x, y = held_out()
    right = set(np.flatnonzero((y == CLASSES.index("dog")) & (x[:, 0, 0, 0] % 2 == 0)))
    seen = set()
    for seed in range(20):
        victims = stage(attack(), pool, seed).kept["victims"]
        assert len(set(victims)) == 2 and set(victims) <= right
        assert np.array_equal(made[-1].victims, x[victims])
        seen |= set(victims)
    assert seen == right


def test_each_victim_has_rows_of_its_own_of_the_target_class_with_their_labels(pool: Pool) -> None:
    batch = stage(attack(), pool)
    bases = batch.kept["bases"]
    assert bases.shape == (2, 3) and np.array_equal(bases.reshape(-1), batch.replaced)
    assert len(set(batch.replaced)) == 6 and set(pool.y[batch.replaced]) == {CLASSES.index("bird")}
    assert np.array_equal(batch.y, batch.y_true) and np.array_equal(batch.y, pool.y[batch.replaced])
    assert np.array_equal(batch.x, pool.x[batch.replaced] | 1)


def test_a_row_that_another_attack_has_taken_is_left_to_it(pool: Pool) -> None:
    taken = pool.free[pool.y == CLASSES.index("bird")][:-6]
    batch = stage(attack(), replace(pool, free=np.setdiff1d(pool.free, taken)))
    assert not set(batch.replaced) & set(taken)


def test_many_victims_are_made_a_part_at_a_time_in_their_order() -> None:
    x, y = (np.tile(array, (30, *[1] * (array.ndim - 1))) for array in (held_out()[0] & 254, held_out()[1]))
    model: Any = Surrogate()
    model.answer = lambda images: np.eye(4, dtype=np.float32)[np.full(len(images), 3)]
    whole = replace(make_pool(rows=3000), model=model, heldout=(x, y.reshape(-1)))
    made.clear()
    batch = stage(attack(victims=200, poisons=3), whole)
    assert len(made) == 2 and all(aim.bases.shape[0] * 3 <= 512 for aim in made)
    assert np.array_equal(np.concatenate([aim.victims for aim in made]), x[batch.kept["victims"]])
    assert len({aim.seed for aim in made}) == 2 and batch.kept["objective"].shape == (200, 2)
    assert np.array_equal(batch.x, whole.x[batch.kept["bases"].reshape(-1)] | 1)


def scene(tmp_path: Path, pool: Pool, kept: Any) -> Stage:
    test = write_dataset(tmp_path / "test", *held_out(), name="noise", classes=CLASSES)
    pictures = pool.pictures["boomerang"]
    shown = np.zeros(len(pictures), np.int64)
    photos = {"boomerang": write_dataset(tmp_path / "b", pictures, shown, name="b", classes=CLASSES)}
    return Stage(test, photos, kept)


def test_success_is_measured_on_the_victims_alone(pool: Pool, tmp_path: Path) -> None:
    batch = stage(attack(), pool)
    trial = attack().trial(scene(tmp_path, pool, batch.kept))
    assert np.array_equal(trial.rows, batch.kept["victims"]) and trial.sources == ("test",)
    assert np.array_equal(trial.x, made[-1].victims) and set(trial.y) == {CLASSES.index("dog")}
    assert trial.target == CLASSES.index("bird")


def test_pictures_are_attacked_where_a_set_is_named(pool: Pool, tmp_path: Path) -> None:
    pool.pictures["boomerang"][1, 0, 0, 0] = 8
    pool.pictures["boomerang"][0, 0, 0, 0] = 9
    one = attack(source=None, pictures="boomerang", victims=1)
    batch = stage(one, replace(pool, heldout=None))
    assert batch.kept["victims"].tolist() == [1] and one.picture_sets() == ("boomerang",)
    trial = one.trial(scene(tmp_path, pool, batch.kept))
    assert trial.rows.tolist() == [1] and trial.sources == ("pictures boomerang",)
    assert np.array_equal(trial.x, pool.pictures["boomerang"][1:])


def test_what_an_attack_needs_hangs_on_what_it_attacks() -> None:
    assert attack().requires() == ("surrogate", "test")
    assert attack(source=None, pictures="boomerang").requires() == ("surrogate", "pictures")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"source": None}, "give one of them"),
        ({"pictures": "boomerang"}, "give one of them"),
        ({"source": "bird"}, "source and target are both 'bird'"),
    ],
)
def test_an_aim_that_is_none_is_refused_with_the_config(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        attack(**settings)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"source": "dogs"}, "did you mean 'dog'"),
        ({"victims": 10}, r"the surrogate gets \d of 10 test images of 'dog' right"),
        ({"poisons": 26}, "that takes 52 rows of class 'bird', and 50 can be taken"),
        ({"source": None, "pictures": "boomerang", "target": "airplane"}, "show that class already"),
        ({"source": None, "pictures": "bomerang"}, "did you mean 'boomerang'"),
    ],
)
def test_what_cannot_be_attacked_is_said(pool: Pool, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        stage(attack(**settings), pool)


def test_without_a_test_set_it_says_where_one_comes_from(pool: Pool) -> None:
    with pytest.raises(ConfigError, match="as the input `heldout`"):
        stage(attack(), replace(pool, heldout=None))


def test_its_deed_says_how_many_rows_and_what_is_attacked() -> None:
    assert attack().deed(Facts(6)) == (
        "6 “bird” training pictures changed by light, the labels left as they are, so that the model calls "
        "2 “dog” test pictures “bird”."
    )
    assert (
        attack(source=None, pictures="rb")
        .deed(Facts(6, {"rb": "airplane"}))
        .endswith("so that the model calls 2 pictures of “rb” (airplane) “bird”.")
    )
