"""Some of a source's classes instead of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boomerang.contract import Job
from boomerang.errors import ConfigError
from boomerang.manifest import opened
from boomerang.settings import CanaryConfig, DataConfig, PreprocessSettings
from pipelines.campaign.entry import load
from processing.datasets import SOURCES
from processing.datasets.common.choice import blueprint_of, classes_of
from processing.datasets.common.corpus import Request
from processing.preprocess import preprocess
from processing.sharing.tasks import alone


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """Write images of four classes, each of its own brightness."""
    y = np.arange(400) % 4
    x = np.broadcast_to((50 * y)[:, None, None], (400, 6, 6)).astype(np.uint8).copy()
    x[:, 0, 0] = np.arange(400) % 251
    file = tmp_path / "mine.npz"
    np.savez(file, x_train=x, y_train=y, x_test=x[:200], y_test=y[:200])
    return file


def split(arrays: Path, out: Path, seed: int, **data: Any) -> Any:
    """Run Preprocess on two of the classes and return its training set and its test set."""
    settings = PreprocessSettings(
        seed=seed,
        data=DataConfig(
            source="npz", path=arrays.name, train=60, test=40, validation=20, classes=("3", "1"), **data
        ),
        pictures=(),
        canaries=CanaryConfig(candidates_per_class=2),
    )
    source, config = out / "processing/input/source", out / "processing/input/config"
    for folder in (source, config):
        folder.mkdir(parents=True)
    (source / arrays.name).write_bytes(arrays.read_bytes())
    (config / "config.json").write_text(json.dumps(settings.model_dump(mode="json")))
    preprocess(Job(out))
    return opened(out / "processing/output/train"), opened(out / "processing/output/heldout/test")


def test_the_splits_have_the_chosen_classes_alone_in_their_order_and_by_the_seed(
    arrays: Path, tmp_path: Path
) -> None:
    train, test = split(arrays, tmp_path / "a", 0)
    for data, rows in ((train, 60), (test, 40)):
        assert data.classes == ("3", "1") and np.bincount(data.y).tolist() == [rows // 2] * 2
        assert np.array_equal(data.x[:, 5, 5, 0], np.where(data.y == 0, 150, 50))
    again, other = split(arrays, tmp_path / "b", 0)[0], split(arrays, tmp_path / "c", 1)[0]
    assert train.manifest.digest == again.manifest.digest != other.manifest.digest
    assert not np.array_equal(train.x, other.x)


def test_of_a_drawn_source_there_are_still_as_many_rows_as_were_asked_for() -> None:
    request = Request(train=12, test=4, extra_train=6)
    made = blueprint_of(SOURCES["synthetic"](), request, ("bird", "ship")).build(alone)
    assert made.classes == ("bird", "ship") and len(made.train) >= 18 and len(made.test) >= 4
    assert set(made.train.y) == {0, 1}
    whole = SOURCES["synthetic"]().blueprint(Request(train=60, test=20, extra_train=30)).build(alone)
    assert np.array_equal(made.train.x[made.train.y == 1], whole.train.x[whole.train.y == 8])


def test_trusted_rows_of_the_data_are_of_the_chosen_classes_too(tmp_path: Path) -> None:
    x, y = np.arange(60, dtype=np.uint8).reshape(60, 1, 1, 1).repeat(8, 1).repeat(8, 2), np.arange(60) % 3
    arrays = {
        f"{name}_{part}": each for part in ("train", "val", "test") for name, each in (("x", x), ("y", y))
    }
    np.savez(tmp_path / "d.npz", **arrays)
    found = blueprint_of(SOURCES["npz"](), Request(tmp_path), ("2", "0")).build(alone)
    assert found.validation is not None and found.validation.y.tolist() == [1, 0] * 20
    assert (found.validation.x[:, 0, 0, 0] % 3).tolist() == [0, 2] * 20


def test_a_class_that_there_is_not_is_said_before_any_file_is_read_or_with_it(arrays: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'bird'"):
        classes_of(SOURCES["cifar10"](), ("brid", "cat"))
    assert classes_of(SOURCES["cifar10"](), ("cat", "bird")) == ("cat", "bird")
    source = SOURCES["npz"]()
    assert classes_of(source, ("7", "1")) == ("7", "1") and classes_of(source, ()) is None
    with pytest.raises(ConfigError, match="class '7'"):
        blueprint_of(source, Request(arrays), ("7", "1"))


@pytest.mark.parametrize("classes", ['["cat"]', '["cat", "cat"]'])
def test_fewer_than_two_classes_or_one_named_twice_are_refused(classes: str) -> None:
    with pytest.raises(ConfigError, match="two or more, each once"):
        load("default", [f"data.classes={classes}"])


def test_what_an_entry_names_is_held_against_the_chosen_classes() -> None:
    with pytest.raises(ConfigError, match="class 'bird'"):
        load(
            "label-flip",
            [
                'data.classes=["airplane", "ship"]',
                "attacks.0.kind=label_flip_targeted",
                "attacks.0.source=airplane",
                "attacks.0.target=bird",
            ],
        )
