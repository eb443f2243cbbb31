"""Behavioral canaries: unambiguous records that a clean model knows, frozen for the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images, Labels
from boomerang.settings import CanaryConfig

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """One group of candidates: the records of the data's classes, or one set of pictures.

    Attributes
    ----------
    name : str
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    """

    name: str
    x: Images
    y: Labels


@dataclass(frozen=True)
class Canaries:
    """The frozen records: uint8[M, H, W, C], int64[M], and an id for each that says where it is from."""

    x: Images
    y: Labels
    ids: tuple[str, ...]


def views(x: Images) -> Sequence[Images]:
    """Return an image batch as it is and shifted by one pixel each way, edges repeated."""
    height, width = x.shape[1:3]
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    offsets = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return [wide[:, top : top + height, left : left + width] for top, left in offsets]


def margins(x: Images, y: Labels, predict: Callable[[Images], Probabilities]) -> npt.NDArray[np.float64]:
    """Return float64[N] in [-1, 1]: the true class' probability less the next, in the worst view."""
    worst = np.full(len(x), np.inf)
    rows = np.arange(len(x))
    for view in views(x):
        probabilities = predict(view).astype(np.float64)
        true = probabilities[rows, y]
        probabilities[rows, y] = -np.inf
        worst = np.minimum(worst, true - probabilities.max(axis=1))
    return worst


def freeze(
    groups: Sequence[Candidates], config: CanaryConfig, predict: Callable[[Images], Probabilities]
) -> Canaries:
    """Freeze the candidates that the clean model gets right with a margin.

    Of each class of each group at most `config.per_class`, the surest first.

    Parameters
    ----------
    groups : sequence of Candidates
        At least one.
    config : CanaryConfig
    predict : callable
        The clean model: uint8[N, H, W, C] -> float32[N, K].
    """
    x, y, ids = [], [], []
    for group in groups:
        margin = margins(group.x, group.y, predict)
        for label in np.unique(group.y):
            rows = np.flatnonzero((group.y == label) & (margin >= config.margin))
            rows = np.sort(rows[np.argsort(-margin[rows], kind="stable")][: config.per_class])
            x.append(group.x[rows])
            y.append(group.y[rows])
            ids += [f"{group.name}/{row}" for row in rows]
    return Canaries(np.concatenate(x), np.concatenate(y), tuple(ids))


def uncovered(y: Labels, classes: Sequence[str]) -> tuple[str, ...]:
    """Return the classes of which no canary is, of the labels of all: int64[M]."""
    return tuple(name for k, name in enumerate(classes) if k not in y)
