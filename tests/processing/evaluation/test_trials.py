"""Which images an attack is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.memory import risen

from boomerang.blocks import blocks, new_dataset
from boomerang.config import Spec
from boomerang.manifest import Dataset, Images, Manifest, opened, write_dataset
from processing.attacks.common.recipe import create_recipe
from processing.attacks.common.trigger import Trigger
from processing.evaluation.trials import trials
from processing.sharing.asking import Recall
from training.model import Floats

CLASSES = ("airplane", "bird", "cat")


@pytest.fixture
def test_set(tmp_path: Path) -> Dataset:
    x = np.arange(6 * 8 * 8 * 3, dtype=np.uint32).astype(np.uint8).reshape(6, 8, 8, 3)
    return write_dataset(tmp_path / "test", x, np.array([0, 1, 2, 0, 1, 2]), name="n", classes=CLASSES)


def trigger(**spec: object) -> Trigger:
    (attack,) = create_recipe([Spec.model_validate(spec)])
    return Trigger(attack, {})


def test_a_backdoor_is_measured_on_its_source_class(test_set: Dataset) -> None:
    patch = trigger(kind="badnets", source="airplane", target="bird", rate=0.1, patch_px=2)
    (found,) = trials([patch], test_set, {})
    assert found.y.tolist() == [0, 0] and found.target == 1 and found.before is not None
    assert np.array_equal(found.before, test_set.x[[0, 3]])
    assert (found.x[:, 6:, 6:] == 255).all() and np.array_equal(found.x[:, :6], found.before[:, :6])


def test_without_a_source_the_target_class_does_not_count(test_set: Dataset) -> None:
    (found,) = trials([trigger(kind="badnets", target="bird", rate=0.1)], test_set, {})
    assert found.y.tolist() == [0, 2, 0, 2]


def test_mislabeled_pictures_are_measured_themselves(test_set: Dataset, tmp_path: Path) -> None:
    x = np.full((4, 8, 8, 3), 9, np.uint8)
    photos = write_dataset(tmp_path / "p", x, np.zeros(4, np.int64), name="p", classes=CLASSES)
    (found,) = trials([trigger(kind="mislabel", pictures="p", target="bird")], test_set, {"p": photos})
    assert found.before is None and np.array_equal(found.x, x) and found.y.tolist() == [0] * 4


def test_flips_are_measured_on_the_source_class_or_not_at_all(test_set: Dataset) -> None:
    targeted = trigger(kind="label_flip_targeted", source="cat", target="bird", rate=0.1)
    untargeted = trigger(kind="label_flip_random", rate=0.1)
    found, nothing = trials([targeted, untargeted], test_set, {})
    assert found.y.tolist() == [2, 2] and np.array_equal(found.x, test_set.x[[2, 5]])
    assert nothing.target is None and len(nothing.x) == 0


def test_a_large_test_set_and_what_is_made_of_it_wait_on_the_disk(tmp_path: Path) -> None:
    with new_dataset(tmp_path / "test", 60_000, (32, 32, 3), Manifest(name="n", classes=CLASSES)) as (x, y):
        y[:] = np.arange(len(y)) % 3
        for part, block in blocks(x):
            block[...] = y[part].astype(np.uint8)[:, None, None, None]
    patch = trigger(kind="badnets", target="bird", rate=0.1, patch_px=2)
    asked: list[int] = []

    def answer(images: Images) -> Floats:
        asked.append(len(images))
        return np.zeros((len(images), 3), np.float32)

    with risen() as rise:
        (found,) = trials([patch], opened(tmp_path / "test"), {})
        recall = Recall(answer)
        for images in (found.x, found.before):
            assert images is not None
            recall.remember(images, answer(images))
            assert not recall(images).any()
    assert asked == [40_000, 40_000] and rise.bytes < 110 << 20  # 123 MB each, and 184 of the test set
    assert found.before is not None
    rows = np.arange(0, 40_000, 777)
    assert np.array_equal(found.before[rows][:, 0, 0, 0], found.y[rows])
    assert (found.x[rows][:, 30:, 30:] == 255).all()
    assert np.array_equal(found.x[rows][:, :30], found.before[rows][:, :30])
