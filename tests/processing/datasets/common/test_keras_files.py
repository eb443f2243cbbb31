"""Keras' layout, from real files: what CIFAR-10 and MNIST are read from without a download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from processing.datasets.common.keras_files import from_keras

from boomerang.config import Spec
from boomerang.errors import BadInput
from processing.datasets import SOURCES
from processing.datasets.common.corpus import Corpus, Request
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)


def keras_layout(path: Path, channels: int | None = 3) -> dict[str, np.ndarray]:
    shape = (40, 8, 8) if channels is None else (40, 8, 8, channels)
    arrays = {
        "x_train": RNG.integers(0, 256, shape, np.uint8),
        "y_train": np.arange(40, dtype=np.uint8) % 10,
        "x_test": RNG.integers(0, 256, shape, np.uint8),
        "y_test": np.arange(40, dtype=np.uint8).reshape(-1, 1) % 10,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return arrays


def load(kind: str, path: Path) -> Corpus:
    return SOURCES.create(Spec(kind=kind)).blueprint(Request(path)).build(alone)


@pytest.mark.parametrize(("source", "channels"), [("cifar10", 3), ("mnist", None)])
@pytest.mark.parametrize("inside", ["", "data.npz"], ids=["its folder", "the file"])
def test_keras_files_are_read_from_a_file_without_a_download(
    tmp_path: Path, source: str, channels: int | None, inside: str
) -> None:
    arrays = keras_layout(tmp_path / "in" / "data.npz", channels=channels)
    found = load(source, tmp_path / "in" / inside)
    assert found.name == source and len(found.classes) == 10
    assert found.train.x.shape == (40, 8, 8, channels or 1)
    assert np.array_equal(found.train.x.squeeze(), arrays["x_train"].squeeze())
    assert found.test.y.dtype == np.int64 and found.test.y.shape == (40,)


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(BadInput, match="y_train, x_test, y_test missing; it has x_train"):
        load("cifar10", tmp_path)


def test_two_files_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    keras_layout(tmp_path / "a.npz")
    keras_layout(tmp_path / "b.npz")
    with pytest.raises(BadInput, match=r"2 \.npz files"):
        load("mnist", tmp_path)


def test_a_download_that_fails_says_what_to_do_instead() -> None:
    def broken() -> None:
        raise Exception("URL fetch failure")

    with pytest.raises(BadInput, match=r"download of mnist: URL fetch failure\n.*data\.path"):
        from_keras(broken, "mnist", tuple("0123456789"))
