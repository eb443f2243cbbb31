"""Arrays: no pickle, no claim that the file does not hold, no bomb; and sound ones come back as saved."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import hostile
from helpers.hostile import refusal

from boomerang import safeio


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile.npy_pickle(), "pickle"),
        (hostile.npy_claiming("(10000000000000,)"), "claims 10,000,000,000,000 bytes of data, it has 8"),
        (hostile.npy_claiming("(1000000, 1000000, 0)"), "claims 0 bytes of data, it has 8"),
        (hostile.npy_claiming(f"({10**40},)"), "claims the shape"),
        (hostile.npy_claiming("(-8,)"), "no tuple of sizes"),
        (hostile.npy_claiming("(True,)"), "no tuple of sizes"),
        (hostile.npy_claiming("[8]"), "no tuple of sizes"),
        (hostile.npy_claiming("(8,)", "[('a', '|u1')]"), "records"),
        (hostile.npy_claiming("(8,)", "'zebra'"), "unknown"),
        (hostile.npy_claiming("(8,)", "'|S1'"), "dtype is |S1"),
        (hostile.npy_claiming("(8,)", "'|V0'"), "dtype is"),
        (hostile.npy_claiming("(" + "1," * 9 + ")", data=b"1"), "9 dimensions"),
        (hostile.npy_header("(" * 5000), "cannot be read"),
        (hostile.npy_header("{" + "'a':" * 900), "cannot be read"),
        (hostile.npy_header("__import__('os').abort()"), "cannot be read"),
        (hostile.npy_header("{'descr': '|u1'}"), "not numpy's"),
        (hostile.npy_header(" " * 20_000), "claims 20,000 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "claims 4,294,967,295 bytes"),
        (b"\x93NUMPY\x03\x00\x00\x00\x00\x00", "version"),
        (hostile.npy(np.arange(100))[:-1], "claims 800 bytes of data, it has 799"),
        (hostile.npy(np.arange(100)) + b"payload", "claims 800 bytes of data, it has 807"),
        (hostile.npy(np.arange(100))[:9], "cannot be read"),
        (b"\x93NUMPY", "version"),
    ],
)
def test_npy_refused(data: bytes, why: str, put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npy", data)
    for mmap in (False, True):
        assert why in refusal(safeio.load_npy, path, mmap=mmap)
    assert hostile.MARK not in os.environ


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 32, 32, 3), np.uint8),
        np.array(7, np.int64),
        np.arange(5, dtype=">i4"),
        np.array([True, False]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_npy_round_trip(array: Any, mmap: bool, put: Callable[[str, bytes], Path]) -> None:
    loaded = safeio.load_npy(put("x.npy", hostile.npy(array)), mmap=mmap)
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert (loaded == array).all()


def test_npy_limits_are_the_callers(put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npy", hostile.npy(np.zeros((2, 2))))
    assert "2 dimensions, expected 1" in refusal(safeio.load_npy, path, ndim=1)
    assert "float64, expected unsigned int" in refusal(safeio.load_npy, path, kinds="u")
    assert "the limit is 100" in refusal(safeio.load_npy, path, max_bytes=100)


def test_npz_bomb_is_not_unpacked(put: Callable[[str, bytes], Path]) -> None:
    path = put("bomb.npz", hostile.npz_bomb())
    begun = time.process_time()
    assert "zip bomb" in refusal(safeio.load_npz, path)
    assert time.process_time() - begun < 0.5


_GOOD = hostile.npy(np.arange(3))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile.zipped([("x.npy", hostile.npy_pickle())]), "member 'x.npy': it holds Python objects"),
        (hostile.zipped([("x.npy", b"text")]), "not a numpy array"),
        (hostile.zipped([("x.npy", _GOOD), ("x.npy", _GOOD)]), "two members of one name"),
        (hostile.zipped([("../x.npy", _GOOD)]), "climbs out"),
        (hostile.zipped([(f"{i}.npy", _GOOD) for i in range(65)]), "65 members, the limit is 64"),
        (hostile.zipped([]), "empty"),
        (hostile.zipped([("x.npy", _GOOD)])[:-30], "damaged"),
        (hostile.npz_lying(), "CRC"),
        (hostile.npz_encrypted(), "encrypted"),
    ],
)
def test_npz_refused(data: bytes, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_npz, put("x.npz", data))


def test_npz_damaged_data_is_found(put: Callable[[str, bytes], Path]) -> None:
    data = bytearray(hostile.zipped([("x.npy", hostile.npy(np.arange(1000)))], zipfile.ZIP_STORED))
    data[5000] ^= 255
    assert "CRC" in refusal(safeio.load_npz, put("x.npz", bytes(data)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_round_trip(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "x.npz", x=np.arange(12).reshape(3, 4), y=np.array([1.5]))
    loaded = safeio.load_npz(tmp_path / "x.npz")
    assert sorted(loaded) == ["x", "y"]
    assert (loaded["x"] == np.arange(12).reshape(3, 4)).all()
    loaded["x"][0, 0] = 9  # the caller owns it


def test_npz_names_that_differ_in_case_are_two(put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npz", hostile.zipped([("w.npy", _GOOD), ("W.npy", _GOOD)]))
    assert sorted(safeio.load_npz(path)) == ["W", "w"]


def test_npz_total_cap(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(1000, np.uint8), b=np.zeros(1000, np.uint8))
    assert "the limit is" in refusal(safeio.load_npz, tmp_path / "x.npz", max_bytes=2000)
