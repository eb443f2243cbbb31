"""Which rows to compare with which where all with all would be too many: an index of random trees.

A tree halves the rows, and the halves, along a direction drawn from those in which they vary most, until few
are left together. Rows that lie near each other mostly end in the same leaf, and those that one tree parts
are together in another (Dasgupta and Freund 2008, random projection trees; Muja and Lowe 2009, randomized k-d
trees).

The halves are of almost the same size whatever the rows are. So the work is N log N, and rows that somebody
made to lie close together fill more leaves and make none larger.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from boomerang.manifest import Rows
from processing.defenses.common.sketch import Sketch

LEAF_ROWS = 256
_WIDEST = 5  # of so many directions one is drawn
_LOOK_AT = 64  # rows of which the spread is taken
_SHORTEST = 0.4  # of the two parts of a split


def leaves(columns: Sketch, rng: np.random.Generator, most: int = LEAF_ROWS) -> Iterator[Rows]:
    """Yield the leaves of one tree: every row is in one of them, ascending in each.

    Parameters
    ----------
    columns : float32[D, N]
        The rows' coordinates, one axis after the other.
    rng : numpy.random.Generator
        Which tree it is.
    most : int
        Rows of a leaf.
    """
    waiting = [np.arange(columns.shape[1])]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= most:
            yield np.sort(rows)
            continue
        spread = columns[:, rows[:: len(rows) // _LOOK_AT + 1]].var(1)
        axis = np.argsort(spread)[-1 - int(rng.integers(min(_WIDEST, len(spread))))]
        at = int(len(rows) * (_SHORTEST + (1 - 2 * _SHORTEST) * rng.random()))
        order = np.argpartition(columns[axis][rows], at)
        waiting += [rows[order[:at]], rows[order[at:]]]
