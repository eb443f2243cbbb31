"""Work that can be shared out: a task makes rows, and any stretch of them can be made by itself.

What a task makes of an item depends on that item (and on the block it lies in) alone. So it does not
matter which machine makes which stretch: put together in order, they are the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from processing.sharing.spool import Spool


@dataclass(frozen=True)
class Piece:
    """What a task made of some of its items.

    Attributes
    ----------
    rows : array[M, ...]
        In the order of the items. An item may give none: a picture that cannot be read.
    notes : list
        Plain JSON, one entry an item, where the task has something to say about each; else empty.
    """

    rows: npt.NDArray[Any]
    notes: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """Items to make rows of.

    Attributes
    ----------
    name : str
        What its files are called; no other task of the step has it.
    items : int
        How many there are.
    make : callable
        (start, stop) -> Piece of the items from `start` up to `stop`, each a multiple of `block` or
        the end.
    block : int
        Items that are made together and never cut apart.
    at_once : int or None
        Of how many items the rows may be held at a time; the others wait in a file. None is of all, as where
        they are there already.
    """

    name: str
    items: int
    make: Callable[[int, int], Piece]
    block: int = 1
    at_once: int | None = None

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """Give the pieces of a stretch of the items one after the other, at least one."""
        if self.at_once is None or start == stop:
            yield self.make(start, stop)
            return
        step = max(self.block, self.at_once // self.block * self.block)
        for first in range(start, stop, step):
            yield self.make(first, min(first + step, stop))

    def share(self, index: int, count: int) -> tuple[int, int]:
        """Return where the share of machine `index` of `count`, from 0, starts and stops.

        The shares of all machines follow each other without a gap; some are empty where there are
        fewer blocks than machines.
        """
        blocks = -(-self.items // self.block)
        start, stop = (blocks * k // count * self.block for k in (index, index + 1))
        return min(start, self.items), min(stop, self.items)


Do = Callable[[Task], Piece]


def alone(task: Task) -> Piece:
    """Do a whole task here and now."""
    return joined(task.pieces(0, task.items))


def joined(pieces: Iterable[Piece]) -> Piece:
    """Return consecutive pieces of one task, at least one, as one; its rows may be mapped."""
    rows, notes = Spool(), []
    for piece in pieces:
        rows.add(piece.rows)
        notes += piece.notes
    return Piece(rows.rows(), notes)
