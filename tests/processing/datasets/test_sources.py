"""Dataset sources, from real files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boomerang.errors import BadInput, ConfigError
from boomerang.settings import DataConfig
from processing import datasets
from processing.datasets.common.base import as_split, balanced, held_out

RNG = np.random.default_rng(0)


def keras_layout(
    path: Path, rows: int = 40, size: int = 8, channels: int | None = 3
) -> dict[str, np.ndarray]:
    shape = (rows, size, size) if channels is None else (rows, size, size, channels)
    arrays = {
        "x_train": RNG.integers(0, 256, shape, np.uint8),
        "y_train": np.arange(rows, dtype=np.uint8) % 10,
        "x_test": RNG.integers(0, 256, shape, np.uint8),
        "y_test": np.arange(rows, dtype=np.uint8).reshape(-1, 1) % 10,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return arrays


def load(config: DataConfig, path: Path | None = None) -> datasets.Source:
    return datasets.load(config, path, 0, 0)


@pytest.mark.parametrize(("source", "channels"), [("cifar10", 3), ("mnist", None)])
def test_keras_files_are_read_from_a_file_without_a_download(
    tmp_path: Path, source: str, channels: int | None
) -> None:
    arrays = keras_layout(tmp_path / "in" / "data.npz", channels=channels)
    found = load(DataConfig(source=source, path="x"), tmp_path / "in")  # type: ignore[arg-type]  # parametrized
    assert found.name == source and len(found.classes) == 10
    assert found.train.x.shape == (40, 8, 8, channels or 1)
    assert np.array_equal(found.train.x.squeeze(), arrays["x_train"].squeeze())
    assert found.test.y.dtype == np.int64 and found.test.y.shape == (40,)


def test_an_npz_of_ones_own_takes_its_class_names(tmp_path: Path) -> None:
    keras_layout(tmp_path / "mine.npz")
    (tmp_path / "classes.json").write_text(json.dumps(list("abcdefghij")))
    found = load(DataConfig(source="npz", path="x"), tmp_path)
    assert found.name == "mine" and found.classes == tuple("abcdefghij")


def test_a_pair_of_npy_is_split_class_by_class(tmp_path: Path) -> None:
    x = RNG.integers(0, 256, (50, 8, 8, 3), np.uint8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(50) % 5)
    found = load(DataConfig(source="npz", path="x"), tmp_path)
    assert len(found.train) == 40 and len(found.test) == 10
    assert np.bincount(found.test.y).tolist() == [2] * 5
    rows = {row.tobytes() for row in found.train.x} | {row.tobytes() for row in found.test.x}
    assert rows == {row.tobytes() for row in x}


def test_an_image_folder_is_a_class_a_subfolder(tmp_path: Path) -> None:
    for name, color in (("cat", "red"), ("dog", "blue")):
        (tmp_path / "f" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (50, 30), color).save(tmp_path / "f" / name / f"{i}.png")
    (tmp_path / "f" / "dog" / "broken.png").write_bytes(b"no picture")
    found = load(DataConfig(source="folder", path="x"), tmp_path / "f")
    assert found.classes == ("cat", "dog") and len(found.train) == 8 and len(found.test) == 2
    assert found.train.x.shape[1:] == (32, 32, 3)
    red = found.train.x[found.train.y == 0]
    assert red[:, 16, 16].tolist() == [[255, 0, 0]] * 4
    assert [item["name"] for item in found.refused] == ["dog/broken.png"]


def test_the_digits_come_with_scikit_learn() -> None:
    found = load(DataConfig(source="digits"))
    assert len(found.train) + len(found.test) == 1797 and found.train.x.shape[1:] == (16, 16, 1)
    assert found.train.x.max() == 255 and not found.train.x[:, :4].any()


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (np.zeros((2, 8, 8), np.float32), np.zeros(2, int), "float32"),
        (np.zeros((2, 8), np.uint8), np.zeros(2, int), "uint8"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(2), "labels"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(3, int), "labels"),
    ],
)
def test_arrays_of_another_kind_are_named(x: np.ndarray, y: np.ndarray, word: str) -> None:
    with pytest.raises(BadInput, match=word):
        as_split(x, y, "mine.npz")


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(BadInput, match="y_train, x_test, y_test missing; it has x_train"):
        load(DataConfig(source="cifar10", path="x"), tmp_path)


def test_two_files_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    keras_layout(tmp_path / "a.npz")
    keras_layout(tmp_path / "b.npz")
    with pytest.raises(BadInput, match=r"2 \.npz files"):
        load(DataConfig(source="mnist", path="x"), tmp_path)


def test_balanced_rows_are_distinct_and_equal_in_number() -> None:
    y = np.array([0] * 30 + [1] * 12)
    rows = balanced(y, 10, np.random.default_rng(0), ("a", "b"))
    assert len(set(rows.tolist())) == 20 and np.bincount(y[rows]).tolist() == [10, 10]
    with pytest.raises(ConfigError, match=r"class 'b'.*12 rows and 13"):
        balanced(y, 13, np.random.default_rng(0), ("a", "b"))


def test_every_class_keeps_a_row_on_either_side() -> None:
    y = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    rest, out = held_out(y, 0.25, np.random.default_rng(0))
    assert sorted([*rest, *out]) == list(range(10)) and np.bincount(y[out]).tolist() == [1, 2]
    with pytest.raises(BadInput, match="one row"):
        held_out(np.array([0, 0, 1]), 0.25, np.random.default_rng(0))
