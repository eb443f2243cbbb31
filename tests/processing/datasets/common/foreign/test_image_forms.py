"""Images of every form that people hold them in: right to the bit, or refused with the line that converts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.foreign.image_forms import Pixels, Stored, pixels_of

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (30, 6, 5, 3), np.uint8)
GRAY = RNG.integers(0, 256, (30, 6, 5, 1), np.uint8)
OPAQUE = np.concatenate([COLOR, np.full((30, 6, 5, 1), 255, np.uint8)], axis=-1)


def stored(x: npt.NDArray[Any]) -> Stored:
    return Stored("x of mine.npz", x.shape, x.dtype, lambda: x)


def converted(x: npt.NDArray[Any]) -> tuple[Pixels, npt.NDArray[np.uint8]]:
    found = pixels_of(stored(x))
    return found, found(x)


LOSSLESS: dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.uint8], str]] = {
    "uint8": (COLOR, COLOR, ""),
    "no channel": (GRAY[..., 0], GRAY, ""),
    "float32 to 1": ((COLOR / 255).astype(np.float32), COLOR, "float32 from 0 to 1, times 255"),
    "float64 to 1": (COLOR / 255, COLOR, "float64 from 0 to 1, times 255"),
    "float16 to 1": ((COLOR / 255).astype(np.float16), COLOR, "float16 from 0 to 1"),
    "float32 to 255": (COLOR.astype(np.float32), COLOR, "whole numbers from 0 to 255 in float32"),
    "int64": (COLOR.astype(np.int64), COLOR, "whole numbers from 0 to 255 in int64"),
    "bool": (GRAY > 99, np.where(GRAY > 99, 255, 0).astype(np.uint8), "bool from 0 to 1"),
    "channels first": (np.moveaxis(COLOR, -1, 1), COLOR, "channels first"),
    "gray, channels first": (np.moveaxis(GRAY, -1, 1), GRAY, "channels first"),
    "floats, channels first": (np.moveaxis(COLOR / 255, -1, 1), COLOR, "times 255"),
    "opaque": (OPAQUE, COLOR, "a fourth channel that is 255 everywhere, dropped"),
}


@pytest.mark.parametrize("form", LOSSLESS)
def test_what_loses_nothing_is_brought_to_8_bits_and_said(form: str) -> None:
    x, wanted, words = LOSSLESS[form]
    found, images = converted(x)
    assert found.shape == wanted.shape[1:]
    assert images.dtype == np.uint8 and np.array_equal(images, wanted)
    assert (" ".join(found.words()) == "") if not words else (words in " ".join(found.words()))
    assert found.exact == (not words)


CLEAR = OPAQUE.copy()
CLEAR[3, 2, 2, 3] = 7
LOSSY: dict[str, tuple[npt.NDArray[Any], str]] = {
    "between the steps": ((COLOR / 255 * 0.999).astype(np.float32), "no whole steps of 8 bits"),
    "-1 to 1": ((COLOR / 127.5 - 1).astype(np.float32), "values from -1 to 1"),
    "16 bits": (COLOR.astype(np.uint16) * 257, "values from 0 to 65535"),
    "transparent": (CLEAR, "transparent"),
    "two channels": (OPAQUE[..., :2], "1 channel or 3"),
    "rows": (GRAY.reshape(30, -1)[:, :25], "lie in one row"),
    "rows in color": (COLOR[:, :5, :5].reshape(30, -1), "lie in one row"),
}


@pytest.mark.parametrize("form", LOSSY)
def test_what_would_lose_something_is_refused_with_the_line_that_works(form: str) -> None:
    x, why = LOSSY[form]
    with pytest.raises(BadInput, match=why) as caught:
        converted(x)
    line = re.sub(r"^say how yourself: |^save | instead$| keeps the first alone$", "", caught.value.do)
    room: dict[str, Any] = {"x": x, "np": np}
    exec(line if line.startswith("x =") else f"x = {line}", room)
    assert converted(room["x"])[1].dtype == np.uint8


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (np.where(COLOR > 250, np.nan, COLOR / 255), "no numbers"),
        (np.full((4, 3, 3, 3), "a"), "<U1"),
        (np.zeros((2, 3, 4, 5, 6), np.uint8), r"uint8\[2, 3, 4, 5, 6\]"),
        (np.zeros((2, 9, 9, 9), np.uint8), "neither the last axis nor the second"),
        (np.zeros((0, 9, 9, 3), np.uint8), r"uint8\[0, 9, 9, 3\]"),
        (np.ones((4, 3, 3, 3), np.int64), "no value is above 1"),
    ],
    ids=["nan", "text", "films", "volumes", "none", "mask"],
)
def test_what_is_no_image_is_refused(x: npt.NDArray[Any], why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        pixels_of(stored(x))
    assert caught.value.do


def test_a_value_that_no_glance_saw_is_refused_in_the_job() -> None:
    x = np.zeros((9_000, 2, 2, 1), np.float32)
    x[::2] = 1
    x[700, 0, 0] = 0.3
    found = pixels_of(stored(x))
    with pytest.raises(BadInput, match="no whole steps"):
        found(x[600:800])


def test_the_other_splits_are_scaled_as_the_first() -> None:
    black = np.zeros((4, 3, 3, 1), np.float32)
    assert pixels_of(stored(black), 1).times == 1 and pixels_of(stored(black)).times == 255
