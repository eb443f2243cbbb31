"""Repeated pictures: one that is there several times, though shifted, mirrored or lit, is suspect."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import Calibration, calibrated, flag_beyond
from processing.defenses.common.neighbors import nearest, nearest_of_trees
from processing.defenses.common.sketch import along, widest
from processing.defenses.common.spectrum import spectrum

_BESIDE = 5  # trusted rows, so that one alone does not say how dense it is there
_EXACT_ROWS = 16_384
_TREES = 12
_LEAST = 1e-3  # of the distance to trusted rows: below it is rounding


class RepeatedPictures(Detector):
    """How near the next rows that look alike are, beside how near trusted rows are.

    Whoever repeats a few pictures, so that a model learns them among thousands of rows, can change every copy
    a little: no two are then the same, and `data_validation` sees nothing. Here images are compared by what a
    shift, a mirror and light leave as it is (`processing.defenses.common.spectrum`). The score is log(t / d),
    where d is how far the (repeats - 1)-th nearest suspect row is, whatever its label, and t how far the
    fifth nearest trusted row: no number of copies changes t.

    A trusted row is measured by the same suspect rows, so that it tells how often clean pictures look alike
    there. The threshold is the order statistic of the trusted rows' scores that a further clean row exceeds
    with probability `max_fpr`. That the victim has learned the suspect rows changes nothing: it is not asked.

    Up to 16,384 rows all are compared; of more, those that one of 12 random trees puts together.

    Attributes
    ----------
    repeats : int
        So often a picture has to be there.
    max_fpr : float
        The share of clean rows that may be flagged, as far as they are like the trusted ones. Fewer than
        1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "repeated pictures"
    source: ClassVar[str] = "our own; that Fourier magnitudes stay under a shift: Reddy and Chatterji 1996"
    assumes: ClassVar[str] = "a poisoned picture is there several times, changed no more than a little"
    costs: ClassVar[str] = "seconds, and no model; 1 / max_fpr trusted rows"
    fails: ClassVar[str] = (
        "whatever is there once, and copies that are cropped, turned or drawn over by much; data in which "
        "most pictures look alike, as digits do"
    )
    sets_aside: ClassVar[bool] = True

    kind: Literal["repeated_pictures"] = "repeated_pictures"
    repeats: int = Field(default=3, ge=2, le=64)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Look for every row's likes."""
        rows, trusted_rows = len(suspect.y), len(suspect.trusted_y)
        directions = widest(suspect.x, np.arange(rows), spectrum)
        points = along(suspect.x, np.arange(rows), directions)
        trusted = along(suspect.trusted_x, np.arange(trusted_rows), directions)
        alike = self._alike(points, trusted, suspect.seed)
        apart = np.concatenate([_beside(points, trusted), _beside(trusted, trusted, itself=True)])
        scores = np.log(apart / np.maximum(alike, _LEAST * apart))
        facts: dict[str, Any] = {"compared": "all" if rows <= _EXACT_ROWS else "with an index"}
        return calibrated(suspect, scores[:rows], scores[rows:], {}, facts)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag what looks like others more than trusted rows do."""
        return flag_beyond(scored, self.max_fpr)

    def _alike(self, points: Features, trusted: Features, seed: int) -> Scores:
        """Return float64[N + M], of suspect and trusted rows: how far the suspect rows alike are."""
        k, rows = self.repeats - 1, np.arange(len(points))
        if len(points) <= _EXACT_ROWS:
            own = nearest(points, points, k, itself=rows).apart[:, -1]
            return np.concatenate([own, nearest(trusted, points, k).apart[:, -1]])
        rng = np.random.default_rng(seed)
        found = nearest_of_trees(np.concatenate([points, trusted]), k, rows, _TREES, rng)
        return found.apart[:, -1].astype(np.float64)


def _beside(points: Features, trusted: Features, *, itself: bool = False) -> Scores:
    """Return float64[n]: how far the fifth nearest trusted row of each point is; 1 where there are none."""
    found = nearest(points, trusted, _BESIDE, itself=np.arange(len(points)) if itself else None).apart
    return found[:, -1].astype(np.float64) if found.shape[1] else np.ones(len(points))
