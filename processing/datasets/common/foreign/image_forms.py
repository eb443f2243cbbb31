"""Images as they lie in a foreign file, and how they become uint8[N, H, W, C] without a value being lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.manifest import Images

# What is looked at before any job: stretches of rows, spread over all of them; the job looks at every one.
_STRETCHES, _MOST_ROWS, _MOST_BYTES = 8, 256, 4 << 20
_OPAQUE = 255
_WIDEST_CHANNELS = 4


@dataclass(frozen=True)
class Stored:
    """Images in a file, not read yet.

    Attributes
    ----------
    name : str
        What they are called in errors: `x_train of faces.npz`.
    shape : tuple of int
    dtype : dtype
    give : callable
        Gives them, array[N, ...], as something of which slices are read; mapped where that can be.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    give: Callable[[], Any]

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True)
class Pixels:
    """What has to be done to stored images.

    Attributes
    ----------
    stored : Stored
    shape : (int, int, int)
        (H, W, C) of an image afterwards, C of 1 or 3.
    planes_first : bool
        Whether they lie as (N, C, H, W).
    times : int
        What values are multiplied by: 255 where they are 0..1, else 1.
    alpha : bool
        Whether there is a fourth channel, which says everywhere that the image is opaque.
    """

    stored: Stored
    shape: tuple[int, int, int]
    planes_first: bool = False
    times: int = 1
    alpha: bool = False

    @property
    def exact(self) -> bool:
        """Whether they lie as they are needed, but for a missing axis of channels."""
        return self.stored.dtype == np.uint8 and not self.planes_first and not self.alpha

    def words(self) -> tuple[str, ...]:
        """What is done to the images that are not uint8[N, H, W, C] already, one line each."""
        dtype, said = self.stored.dtype, []
        if self.times != 1:
            said.append(f"{dtype} from 0 to 1, times 255")
        elif dtype != np.uint8:
            said.append(f"whole numbers from 0 to 255 in {dtype}, as uint8")
        if self.planes_first:
            said.append("channels first, moved to the end")
        if self.alpha:
            said.append("a fourth channel that is 255 everywhere, dropped")
        return tuple(f"{self.stored.name}: {each}" for each in said)

    def __call__(self, block: npt.NDArray[Any]) -> Images:
        """Return some of the images as uint8[M, H, W, C], 0..255.

        Raises
        ------
        BadInput
            If a value cannot be one of uint8's, or the fourth channel says something.
        """
        values = _bytes(block, self.times, self.stored)
        if values.ndim == 3:
            values = values[..., None]
        if self.planes_first:
            values = np.moveaxis(values, 1, -1)
        if self.alpha:
            if (values[..., 3] != _OPAQUE).any():
                raise _lost(self.stored, "its fourth channel makes pixels transparent", "x = x[..., :3]")
            values = values[..., :3]
        return np.ascontiguousarray(values)


def pixels_of(stored: Stored, times: int | None = None) -> Pixels:
    """Return what has to be done to stored images, some of which are looked at.

    Parameters
    ----------
    stored : Stored
    times : int, optional
        As found for other images of the same set; else the values say it.

    Raises
    ------
    BadInput
        If they are no images, or would lose something: with the line that converts them.
    """
    if 0 in stored.shape or not stored.shape:
        raise BadInput(stored.name, f"it is {stored.dtype}{list(stored.shape)}", "give one image or more")
    if stored.dtype.kind not in "biuf":
        do = "give uint8[N, H, W, C], values 0..255"
        raise BadInput(stored.name, f"it is {stored.dtype}{list(stored.shape)}", do)
    first, channels = _layout(stored)
    height, width = stored.shape[2:] if first else stored.shape[1:3]
    opaque = channels == _WIDEST_CHANNELS
    if channels == 2:
        why = f"it is {stored.dtype}{list(stored.shape)}: an image has 1 channel or 3"
        raise BadInput(stored.name, why, "say how yourself: x = x[..., :1] keeps the first alone")
    if stored.dtype == np.uint8 and not opaque:
        return Pixels(stored, (height, width, channels), first)
    some, shape = _some(stored), (height, width, 3 if opaque else channels)
    found = Pixels(stored, shape, first, times or _times(stored, some), opaque)
    for block in some:
        found(block)
    return found


def _layout(stored: Stored) -> tuple[bool, int]:
    """Return whether channels come first, and how many there are."""
    shape = stored.shape
    if len(shape) == 3:
        return False, 1
    if len(shape) == 2:
        raise _flat(stored)
    if len(shape) != 4:
        do = "give uint8[N, H, W] or uint8[N, H, W, C], values 0..255"
        raise BadInput(stored.name, f"it is {stored.dtype}{list(shape)}", do)
    # An image of 3 channels may be 4 pixels wide: what an image has goes before what it may not have.
    for known in ((1, 3), (2, _WIDEST_CHANNELS)):
        if shape[3] in known:
            return False, shape[3]
        if shape[1] in known:
            return True, shape[1]
    why = f"it is {stored.dtype}{list(shape)}: neither the last axis nor the second is of 1 or 3 channels"
    raise BadInput(stored.name, why, "give uint8[N, H, W, C] with C of 1 or 3")


def _flat(stored: Stored) -> BadInput:
    """Return the error for images whose pixels are in one row, with the line that gives them a shape."""
    rows, values = stored.shape
    side, colored = math.isqrt(values), math.isqrt(values // 3)
    shape = "(-1, height, width)"
    if side * side == values:
        shape = f"(-1, {side}, {side})"
    elif 3 * colored * colored == values:
        shape = f"(-1, {colored}, {colored}, 3)"
    why = f"it is {stored.dtype}[{rows}, {values}]: the pixels of an image lie in one row"
    return BadInput(stored.name, why, f"save x.reshape{shape} instead")


def _times(stored: Stored, some: Sequence[npt.NDArray[Any]]) -> int:
    """Return 255 for values from 0 to 1, else 1; by some of them."""
    if stored.dtype.kind == "b":
        return 255
    highest = max(float(np.max(block)) for block in some)
    if highest > 1:
        return 1
    if stored.dtype.kind == "f":
        return 255
    why = "no value is above 1: it may be a mask, or an image that is all but black"
    raise BadInput(stored.name, why, "save (x * 255).astype('uint8') if 1 is white")


def _bytes(block: npt.NDArray[Any], times: int, stored: Stored) -> Images:
    """Return values as uint8; raises BadInput where that loses something."""
    if block.dtype == np.uint8:
        return block
    if block.dtype.kind == "f" and not np.isfinite(block).all():
        raise BadInput(stored.name, "some values are no numbers (NaN or infinite)", "leave out those images")
    low, high = float(block.min()), float(block.max())
    if low < 0 or high > 255 / times:
        span = f"values from {low:g} to {high:g}"
        raise _lost(stored, span, _line(low, high, block.dtype.kind == "f"))
    scaled = block.astype(np.float64) * times if block.dtype.kind == "f" else block.astype(np.int64) * times
    whole = np.rint(scaled)
    # float32 keeps k / 255 to 6e-8, float16 to 5e-4: times 255 that is 0.13.
    slack = 255 * float(np.finfo(block.dtype).eps) if block.dtype.kind == "f" and times > 1 else 0.0
    if (np.abs(scaled - whole) > slack).any():
        line = "x = np.rint(x * 255).astype('uint8')" if times > 1 else "x = np.rint(x).astype('uint8')"
        raise _lost(stored, "values that are no whole steps of 8 bits", line)
    out: Images = whole.astype(np.uint8)
    return out


def _line(low: float, high: float, floats: bool) -> str:
    """Return the line that brings values of a span to 8 bits, where the span says what they are."""
    if -1 <= low < 0 and high <= 1:
        return "x = np.rint((x + 1) * 127.5).astype('uint8')"
    if low >= 0 and high <= 65535 and not floats:
        return "x = (x >> 8).astype('uint8')"
    return "x = np.clip(np.rint(x), 0, 255).astype('uint8')"


def _lost(stored: Stored, why: str, line: str) -> BadInput:
    return BadInput(stored.name, f"{why}; made 8 bits it would lose something", f"say how yourself: {line}")


def _some(stored: Stored) -> list[npt.NDArray[Any]]:
    """Return stretches of rows, spread over all of them."""
    x, row_bytes = stored.give(), math.prod(stored.shape[1:]) * stored.dtype.itemsize
    stretch = min(_MOST_ROWS, max(1, _MOST_BYTES // row_bytes))
    last = max(0, len(stored) - stretch)
    starts = sorted({last * k // (_STRETCHES - 1) for k in range(_STRETCHES)})
    return [np.asarray(x[start : start + stretch]) for start in starts]
