"""What an attack can be measured on, and where each image is from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boomerang.errors import ConfigError
from boomerang.manifest import Dataset, write_dataset
from processing.attacks.common.trial import Stage, Trial

CLASSES = ("airplane", "bird", "cat")


def dataset(folder: Path, y: list[int], seed: int) -> Dataset:
    x = np.random.default_rng(seed).integers(0, 256, (len(y), 4, 4, 3), np.uint8)
    return write_dataset(folder, x, np.array(y), name="n", classes=CLASSES)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    photos = {"a": dataset(tmp_path / "a", [0, 0], 1), "b": dataset(tmp_path / "b", [2], 2)}
    return Stage(dataset(tmp_path / "test", [0, 1, 2, 0, 1, 2], 0), photos)


def test_victims_are_of_the_source_or_of_every_class_but_the_target(stage: Stage) -> None:
    of_source, of_all = stage.victims("airplane", "bird"), stage.victims(None, "bird")
    assert of_source.rows.tolist() == [0, 3] and of_source.y.tolist() == [0, 0]
    assert of_all.rows.tolist() == [0, 2, 3, 5] and of_all.sources == ("test",)
    assert np.array_equal(of_all.x, stage.test.x[[0, 2, 3, 5]])
    with pytest.raises(ConfigError, match="did you mean 'bird'"):
        stage.victims(None, "brid")


def test_pictures_are_counted_through_their_sets(stage: Stage) -> None:
    both = stage.pictured("b", "a")
    assert both.sources == ("pictures b", "pictures a") and both.rows.tolist() == [0, 1, 2]
    assert both.y.tolist() == [2, 0, 0]
    assert np.array_equal(both.x, np.concatenate([stage.photos["b"].x, stage.photos["a"].x]))


def test_a_hit_is_the_target_or_an_images_own_and_of_nobody_where_there_is_none() -> None:
    x, y, calls = np.zeros((3, 4, 4, 3), np.uint8), np.array([0, 1, 2]), np.array([1, 1, 0])
    about: dict[str, Any] = {"name": "n", "kind": "k", "outcome": "backdoor", "x": x, "before": None, "y": y}
    one, own = Trial(**about, target=1), Trial(**about, target=None, targets=np.array([1, 2, 0]))
    assert one.hits(calls).tolist() == [True, True, False]
    assert own.hits(calls).tolist() == [True, False, True]
    assert one.aimed and own.aimed
    nobody = Trial(**about, target=None)
    assert not nobody.aimed and nobody.hits(calls).tolist() == [False, False, False]


def test_nothing_is_an_empty_part_of_the_test_set(stage: Stage) -> None:
    nothing = stage.nothing()
    assert nothing.x.shape == (0, 4, 4, 3) and len(nothing.y) == len(nothing.rows) == 0
