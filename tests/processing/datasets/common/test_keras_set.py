"""The published sets: from a file as from Keras' download, under one name."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from boomerang.config import Spec
from boomerang.errors import BadInput
from processing.datasets import SOURCES
from processing.datasets.common.keras_set import KerasSet

KINDS = [kind for kind in SOURCES if issubclass(SOURCES[kind], KerasSet)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_and_the_download_give_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SOURCES.create(Spec(kind=kind))
    assert isinstance(source, KerasSet) and source.write_example(tmp_path)
    with np.load(next(tmp_path.glob("*.npz"))) as file:
        arrays = dict(file)
    parts = tuple((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    monkeypatch.setattr(getattr(keras.datasets, kind), "load_data", lambda: parts)
    downloaded, read = source.load(None), source.load(tmp_path)
    assert downloaded.name == read.name == kind.replace("_", "-")
    assert downloaded.classes == read.classes == source.classes
    for one, other in ((downloaded.train, read.train), (downloaded.test, read.test)):
        assert (one.x == other.x).all() and (one.y == other.y).all()


def test_there_are_three() -> None:
    assert sorted(KINDS) == ["cifar10", "fashion_mnist", "mnist"]


def test_a_download_that_fails_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError("no route")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fails)
    source = SOURCES.create(Spec(kind="mnist"))
    assert isinstance(source, KerasSet)
    with pytest.raises(BadInput, match=r"set data\.path"):
        source.load(None)
