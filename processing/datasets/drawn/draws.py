"""Random numbers by counter: number k of picture i is a pure function of (seed, i, k).

A generator that is asked in turn would make a picture depend on those drawn before it; a counter does
not, and a whole batch is drawn in a few array operations. The mixing function is SplitMix64's (Steele,
Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from processing.datasets.drawn.mesh import Floats

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


def mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's output for each state, uint64 of the same shape."""
    z = words + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


class Draws:
    """Numbers for N pictures; each call takes the next counter, the same one for every picture.

    Parameters
    ----------
    seed : int
        Of the data set, 0 <= seed < 2**64.
    index : int64[N]
        Number of each picture in the data set.
    """

    def __init__(self, seed: int, index: NDArray[np.int64]) -> None:
        start = mix(np.array([seed & _MASK], np.uint64))
        self._keys = mix(start ^ mix(index.astype(np.uint64)))
        self._calls = 0

    def __len__(self) -> int:
        return len(self._keys)

    def branch(self, number: int, rows: NDArray[np.intp]) -> Draws:
        """Return the numbers of some of the pictures, with counters of their own."""
        part = object.__new__(Draws)
        part._keys = mix(self._keys[rows] ^ mix(np.array([~number & _MASK], np.uint64)))
        part._calls = 0
        return part

    def grid(self, *shape: int) -> Floats:
        """Return uniform numbers in [0, 1), float32[N, *shape]."""
        size = int(np.prod(shape, dtype=np.int64))
        self._calls += 1
        offset = mix(np.array([self._calls], np.uint64))
        counters = np.arange(size, dtype=np.uint64) * np.uint64(_GOLDEN)
        words = mix((self._keys + offset)[:, None] + counters)
        return ((words >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)).reshape(-1, *shape)

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0) -> Floats:
        """Return uniform numbers in [low, high), float32[N]; the bounds may be arrays over N."""
        lo, hi = np.asarray(low, np.float32), np.asarray(high, np.float32)
        return np.asarray(lo + (hi - lo) * self.grid(1)[:, 0], np.float32)

    def flag(self, share: ArrayLike) -> NDArray[np.bool_]:
        """Return bool[N], true with probability `share`."""
        return np.asarray(self.grid(1)[:, 0] < np.asarray(share, np.float32))

    def pick(self, weights: ArrayLike) -> NDArray[np.intp]:
        """Return intp[N] in 0..K-1, drawn in proportion to the K weights."""
        bounds = np.cumsum(np.asarray(weights, np.float64))
        return np.asarray(np.searchsorted(bounds[:-1] / bounds[-1], self.grid(1)[:, 0], side="right"))

    def choose(self, table: ArrayLike) -> Floats:
        """Return one row for each picture of a table float32[K, ...], all rows alike likely."""
        rows = np.asarray(table, np.float32)
        return rows[self.pick(np.ones(len(rows)))]

    def smooth(self, height: int, width: int, cells: int) -> Floats:
        """Return soft noise in [0, 1), float32[N, H, W], with about `cells` hills along each side."""
        grid = self.grid(cells + 1, cells + 1)
        y, fy = _between(height, cells)
        x, fx = _between(width, cells)
        rows = grid[:, y] * (1 - fy)[:, None] + grid[:, y + 1] * fy[:, None]
        return np.asarray(rows[:, :, x] * (1 - fx) + rows[:, :, x + 1] * fx)


def _between(length: int, cells: int) -> tuple[NDArray[np.intp], Floats]:
    """Return, for each pixel, the grid point before it and the eased share of the next one."""
    at = (np.arange(length) + 0.5) * cells / length
    before = at.astype(np.intp)
    share = (at - before).astype(np.float32)
    return before, share * share * (3 - 2 * share)
