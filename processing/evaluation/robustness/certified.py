"""Certified canaries: how many rows of the training set could not have changed an answer, whatever they were.

Deep partition aggregation (Levine and Feizi, ICLR 2021): the rows are dealt to partitions by the digest of
their pixels, a small model learns each partition alone, and the models vote. A row that is added, taken away
or given another label changes one model; one whose pixels are changed may change two. The models are ridge
regressions on the features of the baseline, which are the same whatever the rows of an attacker are, as is
the number of partitions, which goes by the rows that the baseline has learned. So it is a certificate of the
last layer: it says nothing of those rows themselves.

The answers of the vote are not those of the trained model. They say how much of what a canary shows the data
carries beyond the reach of so many rows.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import blocks
from boomerang.manifest import Dataset, Images, Labels, Rows
from boomerang.metrics import Certificates
from boomerang.scoring import share
from processing.evaluation.canaries import Canaries
from processing.evaluation.case import Case
from processing.evaluation.robustness.election import Votes, run_off
from processing.sharing.spool import Spool
from training.model import Ask, embedder

Matrix = npt.NDArray[np.float64]

# How much the weights of a partition's model are held back, of the features' mean square.
_RIDGE = 0.01
# Where all features are the same, their weights are 0.
_LEAST = 1e-300


def certificates(case: Case, canaries: Canaries) -> Certificates | None:
    """Return from how many rows each answer is safe; None where none is wanted or no canary is frozen."""
    rows, baseline = case.settings.certify.rows, case.subjects["baseline"]
    count = baseline.card.rows // rows if rows else 0
    if count < 2 or not len(canaries.y):
        return None
    embed = embedder(baseline.copy())
    votes = voted(embed, case.train, canaries.x, count, len(case.test.classes))
    answers, radii = run_off(votes)
    right = answers == canaries.y
    known = zip(canaries.ids, right, radii, strict=True)
    return Certificates(
        partitions=count,
        right=share(right),
        rows={identifier: int(radius) for identifier, is_right, radius in known if is_right},
    )


def voted(embed: Ask, data: Dataset, asked: Images, count: int, classes: int) -> Votes:
    """Return what the models of so many partitions say of uint8[M, H, W, C]."""
    features, partition = _dealt(embed, data, count)
    shown, labels = embed(asked).astype(np.float64), np.asarray(data.y)
    votes = Votes(len(asked), classes)
    order = np.argsort(partition, kind="stable")
    for rows in np.split(order, np.searchsorted(partition[order], np.arange(1, count))):
        if len(rows):
            votes.add(learned(np.asarray(features[rows], np.float64), labels[rows], classes, shown))
    return votes


def _dealt(embed: Ask, data: Dataset, count: int) -> tuple[npt.NDArray[np.float32], Rows]:
    """Return float32[N, D], features, in a file where the rows are many; and int64[N], their partitions."""
    spool, partitions = Spool(), []
    for _, block in blocks(data.x):
        spool.add(embed(block))
        partitions.append(partition_of(block, count))
    return spool.rows(), np.concatenate(partitions)


def partition_of(x: Images, count: int) -> Rows:
    """Return int64[N], which of so many partitions each image belongs to: its pixels alone say it."""
    digests = (sha256(np.ascontiguousarray(image).data).digest() for image in x)
    return np.array([int.from_bytes(digest[:8], "big") % count for digest in digests], np.int64)


def learned(features: Matrix, y: Labels, classes: int, shown: Matrix) -> Matrix:
    """Return float64[M, K], what ridge regression on N rows says of others.

    Parameters
    ----------
    features : float64[N, D]
    y : int64[N]
    classes : int
    shown : float64[M, D]
    """
    center, told = features.mean(0), np.eye(classes)[y]
    x, t = features - center, told - told.mean(0)
    scale = _RIDGE * float((x**2).sum()) + _LEAST
    # The smaller of the two systems: as many rows as there are, or as many features.
    if len(x) < x.shape[1]:
        weights: Any = x.T @ np.linalg.solve(x @ x.T + scale * np.eye(len(x)), t)
    else:
        weights = np.linalg.solve(x.T @ x + scale * np.eye(x.shape[1]), x.T @ t)
    return np.asarray((shown - center) @ weights + told.mean(0), np.float64)
