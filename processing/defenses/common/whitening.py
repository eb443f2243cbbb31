"""Whitening by the trusted rows: what varies in clean classes counts for less, what is new for more.

The direction in which a class varies most is mostly one in which clean classes vary too, and poison
at a few percent of a class hides below it. After whitening by the within-class covariance of trusted
rows every direction has the same clean variance, and what stands out is what clean rows do not do.
The idea is that of SPECTRE (Hayase et al. 2021), which has to estimate the clean covariance from the
poisoned class, and of SCAn (Tang et al. 2021), which uses a clean set as is done here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Labels
from processing.defenses.common.base import Features

Matrix = npt.NDArray[np.float64]
Whiten = Literal["trusted", "none"]


def within_class(features: Features, y: Labels) -> Matrix:
    """Return float64[M, D], the rows of float32[M, D] less the mean of their class."""
    centered = features.astype(np.float64)
    for label in np.unique(y):
        rows = y == label
        centered[rows] -= centered[rows].mean(0)
    return centered


def whitener(features: Features, y: Labels) -> Matrix:
    """Return float64[D, D] that gives rows of clean classes unit covariance: `features @ whitener`.

    Parameters
    ----------
    features : float32[M, D]
        Trusted rows; the covariance of few is shrunk to a multiple of the identity (Ledoit and Wolf
        2004), which needs no setting.
    y : int64[M]

    Notes
    -----
    The identity where no class has two different rows, so that there is no variance to learn from.
    """
    from sklearn.covariance import ledoit_wolf

    centered = within_class(features, y)
    if not centered.any():
        return np.eye(features.shape[1])
    covariance, _ = ledoit_wolf(centered, assume_centered=True)
    variances, axes = np.linalg.eigh(covariance)
    # Units that no trusted row lights have next to no variance; unbounded, their noise would rule.
    floor = 1e-6 * variances.max()
    return np.asarray(axes / np.sqrt(np.maximum(variances, floor)), dtype=np.float64)


def basis_of(whiten: Whiten, features: Features, y: Labels) -> Matrix:
    """Return float64[D, D] in which rows are measured: the `whitener` of trusted rows, or for `none` I."""
    return whitener(features, y) if whiten == "trusted" else np.eye(features.shape[1])
