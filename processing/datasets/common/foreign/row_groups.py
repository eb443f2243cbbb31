"""Rows that belong together, such as the pictures of one vehicle: a split must not cut through them."""

from __future__ import annotations

import numpy as np

from boomerang.manifest import Labels, Rows


def held_out_groups(y: Labels, groups: Rows, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Split rows into (rest, held out), no group of them cut.

    Groups are held out in a drawn order, as long as no class of theirs gets more than its share. A class of
    which nothing could be held out so gives its smallest group. Every class keeps a row of the rest, so that
    one whose rows are all of one group has none held out.

    Parameters
    ----------
    y : int64[N]
    groups : int64[N]
        -1 is a group of one row.
    share : float
        Of the rows of each class, 0..1.
    rng : Generator

    Returns
    -------
    int64[M], int64[N - M]
        In ascending order.
    """
    alone = groups < 0
    each = np.where(alone, groups.max() + np.cumsum(alone), groups)
    _, place, sizes = np.unique(each, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(sizes)[:-1])
    rows_of = np.bincount(y)
    has = [np.bincount(y[rows], minlength=len(rows_of)) for rows in members]
    most, taken, out = np.maximum(1, np.rint(share * rows_of)), np.zeros_like(rows_of), []

    def take(group: int) -> None:
        nonlocal taken
        taken = taken + has[group]
        out.append(members[group])

    for group in rng.permutation(len(members)):
        its = has[group] > 0
        if (taken + has[group] <= most)[its].all() and (taken + has[group] < rows_of)[its].all():
            take(group)
    for label in np.flatnonzero(rows_of):
        fitting = [
            g for g, rows in enumerate(has) if rows[label] and (taken + rows < rows_of)[rows > 0].all()
        ]
        if fitting and not taken[label]:
            take(min(fitting, key=lambda group: len(members[group])))
    held = np.sort(np.concatenate([*out, np.empty(0, np.int64)])).astype(np.int64)
    return np.setdiff1d(np.arange(len(y)), held), held


def shared_groups(one: Rows, other: Rows) -> int:
    """Return how many groups have rows on both sides."""
    found = np.intersect1d(one, other)
    return int((found >= 0).sum())
