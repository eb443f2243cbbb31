"""Scores that trusted rows calibrate: every row is scored by what was learned without it.

A threshold from trusted rows holds for suspect rows only if both are measured alike. Who learns from rows
what clean ones look like has seen those, and finds them closer than others; and the directions in which
suspect rows vary most are those in which they vary more than trusted ones, by chance alone. So trusted rows
are dealt into folds and suspect rows into parts, and those of one are measured by what the others tell
(cross-conformal prediction, Vovk 2015).

A row that cannot be measured, because its class has no trusted row for instance, is NaN here. In the end it
gets a score that no threshold lies below, and a warning says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.estimators import fold_numbers
from processing.defenses.common.flagging import beyond
from processing.defenses.common.scale import on_one_scale

FOLDS = 5
NO_TRUSTED_ROW = "no trusted row of the class to compare with"


@dataclass(frozen=True)
class Judge:
    """What has been learned from trusted rows, and perhaps from suspect ones.

    Attributes
    ----------
    score : callable
        float32[N, D], int64[N], int64[n] -> float64[n]: how far these rows are from what clean rows of their
        label look like; NaN where that is not known.
    facts : mapping
        What it found, as plain JSON.
    why : mapping
        By label, why rows of it are not measured.
    """

    score: Callable[[Features, Labels, Rows], Scores]
    facts: dict[str, Any] = field(default_factory=dict)
    why: Mapping[int, str] = field(default_factory=dict)


Fit = Callable[[Bools, Bools], Judge]


@dataclass(frozen=True)
class Calibration:
    """What a threshold is set by.

    Attributes
    ----------
    trusted : float64[m]
        Scores of trusted rows, on the scale of the suspect rows' scores; of as many as could be measured.
    y : int64[N]
        The suspect rows' labels.
    classes : tuple of str
    unjudged : mapping
        By the name of a class, why none of its rows can be flagged.
    facts : mapping
        What else the detector found, as plain JSON.
    """

    trusted: Scores
    y: Labels
    classes: tuple[str, ...]
    unjudged: Mapping[str, str]
    facts: dict[str, Any]


def cross_fitted(suspect: Suspect, fit: Fit, parts: int) -> Scored[Calibration]:
    """Score every row, suspect or trusted, by what was learned without it.

    Suspect rows are dealt into parts, and those of one are scored by what is learned from the others and all
    trusted rows; each fold of the trusted rows by what is learned from the other folds and as many of the
    suspect rows. So a clean suspect row is measured as a trusted row is. Where there are as many parts as
    folds, a part and a fold are held out together, which takes half the lessons. The scores of a class are
    put on one scale by the median and MAD of its trusted rows.

    Parameters
    ----------
    suspect : Suspect
    fit : callable
        bool[N], suspect rows to learn from, and bool[M], trusted rows to learn from -> `Judge`.
    parts : int
        1 where nothing is learned from suspect rows; 2; or `FOLDS`, where few rows would tell too little.
    """
    y, trusted_y = suspect.y, suspect.trusted_y
    part = fold_numbers(y, parts, suspect.seed) if parts > 1 else np.full(len(y), -1)
    fold = fold_numbers(trusted_y, FOLDS, suspect.seed)
    scores, held = np.full(len(y), np.nan), np.full(len(trusted_y), np.nan)
    why: dict[int, str] = {}
    facts: dict[str, Any] = {}
    for number in np.unique(part).tolist():
        learned = fold != number if parts == FOLDS else np.ones(len(trusted_y), bool)
        judge, out = fit(suspect.left & (part != number), learned), part == number
        held[~learned] = judge.score(suspect.trusted_features, trusted_y, np.flatnonzero(~learned))
        scores[out] = judge.score(suspect.features, y, np.flatnonzero(out))
        why, facts = {**judge.why, **why}, facts or judge.facts
    for number in np.unique(fold).tolist() if np.isfinite(scores).any() and parts != FOLDS else ():
        out = fold == number
        judge = fit(suspect.left & (part != number % parts), ~out)
        held[out] = judge.score(suspect.trusted_features, trusted_y, np.flatnonzero(out))
    known, judged = np.isfinite(held), np.isfinite(scores)
    scores[judged], held = on_one_scale(scores[judged], y[judged], held[known], trusted_y[known])
    return calibrated(suspect, scores, held, why, facts)


def calibrated(
    suspect: Suspect, scores: Scores, trusted: Scores, why: Mapping[int, str], facts: dict[str, Any]
) -> Scored[Calibration]:
    """Return scores, NaN where a row cannot be judged, with what decides on them.

    Parameters
    ----------
    suspect : Suspect
    scores : float64[N]
    trusted : float64[m]
        Scores of trusted rows; those that are NaN do not count.
    why : mapping
        By label, why its rows are not judged; where it says nothing, they have no trusted row.
    facts : mapping
        For the notes.
    """
    judged = np.isfinite(scores)
    trusted = trusted[np.isfinite(trusted)]
    lowest = min(0.0, float(trusted.min(initial=0.0)), float(scores[judged].min(initial=0.0)))
    unjudged = {
        suspect.classes[label]: why.get(label, NO_TRUSTED_ROW)
        for label in np.unique(suspect.y[~judged]).tolist()
    }
    state = Calibration(trusted, suspect.y, suspect.classes, unjudged, facts)
    return Scored(np.where(judged, scores, lowest), state)


def flag_beyond(scored: Scored[Calibration], max_fpr: float) -> Finding:
    """Flag what scores higher than all but a share of the trusted rows.

    Parameters
    ----------
    scored : Scored of Calibration
    max_fpr : float
        See `processing.defenses.common.flagging.beyond`.
    """
    state = scored.state
    finding = beyond(scored.scores, state.trusted, max_fpr)
    return finding.beside(notes_of(state, finding.flagged), unjudged_words(state))


def unjudged_words(state: Calibration) -> tuple[str, ...]:
    """Return what to say of the classes of which nothing can be flagged, those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, why in state.unjudged.items():
        reasons.setdefault(why, []).append(name)
    return tuple(f"{', '.join(names)}: {why}, so it flags nothing of it" for why, names in reasons.items())


def notes_of(state: Calibration, flagged: Bools) -> dict[str, Any]:
    """Return what every detector of this kind notes: its facts, and how many rows of a class it flagged."""
    per_class = np.bincount(state.y[flagged], minlength=len(state.classes))
    return {"flagged_by_class": dict(zip(state.classes, per_class.tolist(), strict=True)), **state.facts}


def populated(
    trusted: npt.NDArray[np.int64], suspect: npt.NDArray[np.int64], min_clean_share: float
) -> Bools:
    """Return bool[K]: of which clusters of a class trusted rows account for enough.

    A cluster's clean share is the rate at which trusted rows of the class fall into it over the rate at which
    suspect rows do; with a trusted row at all it is 1 or more in one of them.

    Parameters
    ----------
    trusted, suspect : int64[K]
        Rows in each cluster.
    min_clean_share : float
        0..1
    """
    rate, suspect_rate = trusted / max(1, trusted.sum()), suspect / max(1, suspect.sum())
    return np.asarray((trusted > 0) & (rate >= min_clean_share * suspect_rate))
