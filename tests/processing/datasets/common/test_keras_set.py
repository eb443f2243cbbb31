"""The published sets: from a file as from Keras' download, under one name."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from boomerang.config import Spec
from boomerang.errors import BadInput
from processing.datasets import SOURCES
from processing.datasets.common.corpus import Request
from processing.datasets.common.examples import write_npz
from processing.datasets.common.keras_set import KerasSet
from processing.sharing.tasks import alone

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
    downloaded = source.download()
    read = source.blueprint(Request(tmp_path)).build(alone)
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
        source.download()


def test_what_lies_at_a_path_is_read_as_what_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part, rows in (("train", 40), ("test", 20)):
        np.save(tmp_path / f"x_{part}.npy", rng.integers(0, 256, (rows, 28, 28), np.uint8))
        np.save(tmp_path / f"y_{part}.npy", np.arange(rows) % 10)
    source = SOURCES.create(Spec(kind="mnist"))
    found = source.blueprint(Request(tmp_path)).build(alone)
    assert (found.name, found.classes, len(found.train)) == ("mnist", source.classes, 40)


def test_pictures_are_no_published_set(tmp_path: Path) -> None:
    SOURCES["folder"].write_example(tmp_path)
    with pytest.raises(BadInput, match=r'CIFAR-10 was named.*\n.*source = "folder"'):
        SOURCES.create(Spec(kind="cifar10")).survey(tmp_path)


def test_two_files_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_npz(tmp_path / f"{name}.npz", (28, 28), 10)
    with pytest.raises(BadInput, match=r"2 x \.npz"):
        SOURCES.create(Spec(kind="mnist")).survey(tmp_path)
