"""What fitting with scikit-learn needs: one thread, few enough rows, folds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from boomerang.manifest import Labels, Rows


@contextmanager
def fitting() -> Iterator[None]:
    """Fit in one thread, and take what an optimizer has reached where it stops before it has converged.

    Sums taken by several threads depend, in the last bits, on how many there are.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def draw(rows: Rows, most: int, seed: int) -> Rows:
    """Return int64[n], at most so many of int64[N] ascending rows, drawn by the seed, ascending."""
    if len(rows) <= most:
        return rows
    return np.asarray(np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)))


def fold_numbers(y: Labels, folds: int, seed: int) -> Rows:
    """Return int64[N], 0..folds - 1: which fold each row is in; every class is spread evenly.

    So of a class of two rows or more each fold leaves some, however few they are.

    Parameters
    ----------
    y : int64[N]
    folds : int
        At least two.
    seed : int
        Of the order in which the rows of a class are dealt.
    """
    shuffled = np.random.default_rng(seed).permutation(len(y))
    dealt = shuffled[np.argsort(y[shuffled], kind="stable")]
    numbers = np.empty(len(y), np.int64)
    numbers[dealt] = np.arange(len(y)) % folds
    return numbers
