"""The run-off of many small models' votes, and how many of them would have to change for another answer.

Deep partition aggregation (Levine and Feizi, ICLR 2021) lets the models of disjoint partitions vote; the
run-off election (Rezaei et al., ICML 2023, DPA+ROE) lets them choose once more between the two classes with
most votes, which certifies more of the same models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer[Any]]


class Votes:
    """What some models have said of M images, added up model by model.

    Attributes
    ----------
    first : int32[M, K]
        How many models put each class first.
    prefer : int32[M, K, K]
        How many models put class a before class b.
    """

    def __init__(self, images: int, classes: int) -> None:
        self.first = np.zeros((images, classes), np.int32)
        self.prefer = np.zeros((images, classes, classes), np.int32)

    def add(self, scores: npt.NDArray[Any]) -> None:
        """Take a model's scores, float[M, K]; of two equal ones the lower class is before the higher."""
        lower = np.arange(scores.shape[1])[:, None] < np.arange(scores.shape[1])
        ahead, other = scores[:, :, None], scores[:, None, :]
        self.first[np.arange(len(scores)), scores.argmax(1)] += 1
        self.prefer += (ahead > other) | ((ahead == other) & lower)


def run_off(votes: Votes) -> tuple[Counts, Counts]:
    """Return the answers, and for each how many models may be any others without another answer.

    Returns
    -------
    (int64[M], int64[M])
        The class that more models prefer of the two that most put first, the lower where as many do; and the
        radius, the largest number of models that is safe to replace.
    """
    found = [_one(first, prefer) for first, prefer in zip(votes.first, votes.prefer, strict=True)]
    answers, radii = zip(*found, strict=True) if found else ((), ())
    return np.array(answers, np.int64), np.array(radii, np.int64)


def _one(first: Counts, prefer: Counts) -> tuple[int, int]:
    classes = np.arange(len(first))
    one, two = np.lexsort((classes, -first))[:2]
    ahead = prefer[one, two] - prefer[two, one] - int(two < one)
    winner, loser = (one, two) if ahead >= 0 else (two, one)
    others = classes[classes != winner]
    # To be beaten by a class in the run-off, it has to get there before the one that lost it.
    enter = _changes(first[loser] - first[others] + (loser < others))
    enter[others == loser] = 0
    duel = _changes(prefer[winner, others] - prefer[others, winner] + (winner < others))
    least = int(np.maximum(enter, duel).min())
    if len(others) > 1:
        # Or two classes keep it out of the run-off. A model closes one of the gaps by two, the other by one.
        near, far = np.sort(np.maximum(0, first[winner] - first[others] + (winner < others)))[:2]
        least = min(least, int(max(-(-far // 2), -(-(near + far) // 3))))
    return int(winner), least - 1


def _changes(gaps: Counts) -> Counts:
    """Return how many models close gaps of so many votes, each by two."""
    return np.asarray(-(-np.maximum(0, gaps) // 2), np.int64)
