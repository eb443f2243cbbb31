"""MNIST's own files, plain and gzipped, from real files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.idx import Idx
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (30, 6, 5), np.uint8), (np.arange(30) % 3).astype(np.uint8)


def load(path: Path) -> Corpus:
    return Idx().blueprint(Request(path)).build(alone)


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, packed: bool, **arrays: npt.NDArray[Any]) -> None:
    for name, array in arrays.items():
        file = folder / (name.replace("_", "-") + (".gz" if packed else ""))
        file.write_bytes(gzip.compress(idx(array)) if packed else idx(array))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_mnist_s_four_files(tmp_path: Path, packed: bool, test: str) -> None:
    write(tmp_path, packed, train_images_idx3_ubyte=X, train_labels_idx1_ubyte=Y)
    write(tmp_path, packed, **{f"{test}_images_idx3_ubyte": X[:9], f"{test}_labels_idx1_ubyte": Y[:9]})
    found = load(tmp_path)
    assert np.array_equal(found.train.x[..., 0], X) and np.array_equal(found.test.y, Y[:9])
    assert found.classes == ("0", "1", "2") and found.refused == ()


def test_emnist_s_labels_begin_at_one(tmp_path: Path) -> None:
    write(
        tmp_path, True, emnist_letters_train_images_idx3_ubyte=X, emnist_letters_train_labels_idx1_ubyte=Y + 1
    )
    write(
        tmp_path,
        True,
        emnist_letters_test_images_idx3_ubyte=X[:9],
        emnist_letters_test_labels_idx1_ubyte=Y[:9] + 1,
    )
    assert load(tmp_path).classes == ("1", "2", "3")


def test_a_pair_alone_has_a_fifth_held_out(tmp_path: Path) -> None:
    write(tmp_path, False, images=X, labels=Y)
    found = load(tmp_path)
    assert (len(found.train), len(found.test)) == (24, 6)


def test_a_file_without_its_partner_is_told(tmp_path: Path) -> None:
    write(tmp_path, False, train_images=X, train_labels=Y, t10k_images=X)
    with pytest.raises(BadInput, match="not each has a partner of t10k-images, train-images"):
        Idx().survey(tmp_path)


BOMB = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60_000, 1_000, 1_000)
DAMAGED = {
    "cut off": (idx(X)[:-50], "claims 900 bytes of data, it has 850"),
    "cut off, packed": (gzip.compress(idx(X)[:-50]), "cut off after 850 of 900"),
    "too long, packed": (gzip.compress(idx(X) + b"x"), "more than the 900 bytes"),
    "bomb": (gzip.compress(BOMB + bytes(1 << 20)), "a bomb"),
    "damaged": (gzip.compress(idx(X), 0)[:-12] + bytes(12), "damaged|cut off|CRC"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_its_header_does_not_say_is_refused(tmp_path: Path, what: str) -> None:
    content, why = DAMAGED[what]
    write(tmp_path, False, labels=Y)
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(BadInput, match=why):
        load(tmp_path)
