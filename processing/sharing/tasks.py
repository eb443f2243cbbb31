"""Work that can be shared out: a task makes rows, and any stretch of them can be made by itself.

What a task makes of an item depends on that item (and on the block it lies in) alone. So it does not
matter which machine makes which stretch: put together in order, they are the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


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
    """

    name: str
    items: int
    make: Callable[[int, int], Piece]
    block: int = 1

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
    return task.make(0, task.items)


def joined(pieces: list[Piece]) -> Piece:
    """Return consecutive pieces of one task, at least one, as one."""
    rows = [piece.rows for piece in pieces]
    return Piece(np.concatenate(rows), [note for piece in pieces for note in piece.notes])
