"""The rows of each batch, in an order that depends on seed and epoch alone.

Rows that fit into memory are read into it once, and an epoch is any permutation of them. Others are read
through a shuffle of blocks: the blocks of the data in a random order, a window of many of them in memory at a
time, its rows in a random order. Each row is read once an epoch, and the disk is read in stretches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from boomerang.blocks import blocks, let_go, rows_at_once
from boomerang.manifest import Images, Labels
from training import labeled
from training.labeled import Labeled
from training.learning.augment import Ints

# Of what may be in memory, a window is a fourth and a block a 512th: with the usual bound 128 MB and 1 MB.
# Many blocks a window, lest data that is sorted by class give windows of few classes.
_WINDOW_SHARE, _BLOCK_SHARE = 4, 512


class Batch(NamedTuple):
    """The rows of one batch.

    Attributes
    ----------
    rows : int64[B]
        Which they are.
    x : uint8[B, H, W, C]
    y : int64[B]
    """

    rows: Ints
    x: Images
    y: Labels


@dataclass(frozen=True)
class _Window:
    """Rows in memory, and where they stand in an epoch.

    Attributes
    ----------
    start : int
        Position of the first one that is learned.
    order : int64[W]
        The rows, in the order in which they are learned.
    places : int64[W]
        Where in `x` each of them lies.
    x : uint8[W, H, W, C]
    """

    start: int
    order: Ints
    places: Ints
    x: Images

    @property
    def end(self) -> int:
        return self.start + len(self.order)


class Reading:
    """The rows of a training, as its epochs go through them.

    Parameters
    ----------
    rows : Labeled
    seed : int
    batch : int
    most : int, optional
        Bytes of rows that may be in memory; without it, `training.labeled.IN_MEMORY`.
    """

    def __init__(self, rows: Labeled, seed: int, batch: int, most: int | None = None) -> None:
        most = labeled.IN_MEMORY if most is None else most
        self.x, self.y, self.seed, self.batch = *rows, seed, batch
        self.windowed = rows.x.nbytes > most
        self._block = rows_at_once(rows.x, max(1, most // _BLOCK_SHARE))
        self._count = _BLOCK_SHARE // _WINDOW_SHARE
        self._epoch = -1
        self._windows: Iterator[_Window] = iter(())
        self._now: _Window | None = None
        if not self.windowed:
            self.x = _in_memory(rows.x)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def steps(self) -> int:
        """Batches of an epoch; the last one may be shorter."""
        return -(-len(self) // self.batch)

    def __call__(self, epoch: int, step: int) -> Batch:
        """Return a batch; quick if the steps of an epoch are asked for in their order."""
        start, end = step * self.batch, min((step + 1) * self.batch, len(self))
        parts = []
        while start < end:
            window = self._window(epoch, start)
            part = slice(start - window.start, min(end, window.end) - window.start)
            parts.append((window.order[part], window.x[window.places[part]]))
            start = min(end, window.end)
        rows, x = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return Batch(rows, x, np.asarray(self.y[rows], np.int64))

    def _window(self, epoch: int, position: int) -> _Window:
        """Return the window of a position in an epoch."""
        if self._epoch != epoch or self._now is None or position < self._now.start:
            self._epoch, self._now = epoch, None
            self._windows = self._through(epoch, position)
        while self._now is None or position >= self._now.end:
            self._now = None  # lest there be two in memory
            self._now = next(self._windows)
        return self._now

    def _through(self, epoch: int, position: int) -> Iterator[_Window]:
        """Give the windows of an epoch from the one of a position on."""
        if not self.windowed:
            order = row_order(self.seed, epoch, len(self))
            yield _Window(0, order, order, self.x)
            return
        starts = self._block * row_order(self.seed, epoch, -(-len(self) // self._block))
        first = 0
        for number in range(-(-len(starts) // self._count)):
            chosen = np.sort(starts[number * self._count : (number + 1) * self._count])
            parts = [np.arange(start, min(start + self._block, len(self))) for start in chosen]
            rows = np.concatenate(parts)
            if first + len(rows) > position:
                places = np.random.default_rng([self.seed, epoch, number, 1]).permutation(len(rows))
                yield _Window(first, rows[places], places, self._read(parts))
            first += len(rows)

    def _read(self, parts: list[Ints]) -> Images:
        """Return the rows of some blocks, read one block after the other."""
        x = np.empty((sum(map(len, parts)), *self.x.shape[1:]), np.uint8)
        at = 0
        for part in parts:
            x[at : at + len(part)] = self.x[part[0] : part[-1] + 1]
            at += len(part)
            let_go(self.x)
        return x


def row_order(seed: int, epoch: int, rows: int) -> Ints:
    """Return int64[rows], the order in which an epoch goes through the rows."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def _in_memory(x: Images) -> Images:
    """Return an array's rows in memory: itself, unless it is mapped."""
    if type(x) is np.ndarray and x.flags.owndata:
        return x
    here = np.empty(x.shape, x.dtype)
    for part, block in blocks(x):
        here[part] = block
    return here
