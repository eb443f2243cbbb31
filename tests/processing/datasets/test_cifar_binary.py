"""CIFAR in its authors' binary files, from real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from boomerang.config import Spec
from boomerang.errors import BadInput
from processing.datasets import SOURCES
from processing.datasets.cifar10 import Cifar10
from processing.datasets.common.corpus import Request
from processing.datasets.common.foreign.recognition import recognized
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)


def images(rows: int) -> np.ndarray:
    return RNG.integers(0, 256, (rows, 32, 32, 3), np.uint8)


def records(x: np.ndarray, *labels: np.ndarray) -> bytes:
    columns = [np.asarray(y, np.uint8)[:, None] for y in labels]
    return np.concatenate([*columns, x.transpose(0, 3, 1, 2).reshape(len(x), -1)], axis=1).tobytes()


def test_five_batches_are_one_training_set_and_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    x, y = images(30), np.arange(30) % 10
    for number in range(5):
        rows = slice(6 * number, 6 * number + 6)
        (folder / f"data_batch_{number + 1}.bin").write_bytes(records(x[rows], y[rows]))
    (folder / "test_batch.bin").write_bytes(records(x[:10], y[:10]))
    assert recognized(tmp_path) == ("cifar_binary", folder)
    found = Cifar10().blueprint(Request(tmp_path)).build(alone)
    assert np.array_equal(found.train.x, x) and np.array_equal(found.train.y, y)
    assert np.array_equal(found.test.x, x[:10]) and found.classes[2] == "bird"


@pytest.mark.parametrize(("labels", "classes"), [("fine", ("f0", "f1", "f2")), ("coarse", ("c0", "c1"))])
def test_cifar_100_has_two_labels_a_row(tmp_path: Path, labels: str, classes: tuple[str, ...]) -> None:
    x, fine = images(12), np.arange(12) % 3
    for name in ("train", "test"):
        (tmp_path / f"{name}.bin").write_bytes(records(x, fine // 2, fine))
    for kind, count in (("fine", 3), ("coarse", 2)):
        names = "".join(f"{kind[0]}{number}\n" for number in range(count))
        (tmp_path / f"{kind}_label_names.txt").write_text(names)
    source = SOURCES.create(Spec(kind="cifar_binary", labels=labels))
    found = source.blueprint(Request(tmp_path)).build(alone)
    assert found.classes == classes and np.array_equal(found.test.x, x)
    assert found.train.y.tolist() == (fine if labels == "fine" else fine // 2).tolist()


def test_a_batch_that_is_cut_off_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(records(images(4), np.arange(4))[:-1])
    with pytest.raises(BadInput, match=r"no source reads what lies there \(1 x \.bin\)"):
        recognized(tmp_path)
