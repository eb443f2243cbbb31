"""Shares of a task: every item in one of them, no block cut apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processing.sharing.tasks import Piece, Task, alone, joined


def counting(items: int, block: int = 1) -> Task:
    """A task whose item k gives the row k, and no row where k is a multiple of five."""

    def make(start: int, stop: int) -> Piece:
        kept = [k for k in range(start, stop) if k % 5]
        return Piece(np.array(kept, np.int64), [f"item {k}" for k in range(start, stop)])

    return Task("counting", items, make, block)


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 12))
def test_the_shares_follow_each_other_and_cut_no_block(items: int, block: int, count: int) -> None:
    shares = [counting(items, block).share(index, count) for index in range(count)]
    assert shares[0][0] == 0 and shares[-1][1] == items
    assert all(before[1] == after[0] for before, after in pairwise(shares))
    assert all(start % block == 0 or start == items for start, _ in shares)
    blocks = [-(-(stop - start) // block) for start, stop in shares]
    assert max(blocks) - min(blocks) <= 1


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 12))
def test_the_pieces_of_all_shares_are_the_whole(items: int, block: int, count: int) -> None:
    task = counting(items, block)
    whole = alone(task)
    parts = joined([task.make(*task.share(index, count)) for index in range(count)])
    assert np.array_equal(parts.rows, whole.rows) and parts.rows.dtype == whole.rows.dtype
    assert parts.notes == whole.notes
