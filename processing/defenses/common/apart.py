"""A part of a class that trusted rows avoid, and a class whose rows are not where the trusted ones are.

Two clusters among the suspect rows say nothing of a class that is poison all through: there is only one
cloud, and the trusted rows lie elsewhere. Here the two clouds are the suspect and the trusted rows, and the
question is on whose side of the middle a row falls that had no part in either mean. In many dimensions that
matters: a row is nearer to a mean that it helped to make.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from boomerang.manifest import Bools, Rows
from processing.defenses.common.base import Features, Scores
from processing.defenses.common.whitening import Matrix

WHOLE = "whole class"
_FOLDS = 5
# When a class is cut between its suspect and its trusted rows, and when it is refused as a whole.
_HARDLY_ANY, _MOST, _NEARLY_ALL = 0.05, 0.8, 0.95


@dataclass(frozen=True)
class Part:
    """The part of a class that is under suspicion.

    Attributes
    ----------
    name : str
        Which one: `smaller`, `larger`, or `whole class`.
    rows : bool[n]
        The class' rows that lie in it.
    margin : float64[n], -1..1
        How much nearer a row is to the middle of the part than to that of the rest, over their distance.
    trusted : bool[m]
        Trusted rows of the class that lie in it.
    clean_share, p_value : float
        See `clean_share` and `rarity`.
    """

    name: str
    rows: Bools
    margin: Scores
    trusted: Bools
    clean_share: float
    p_value: float


def apart(
    features: Features, rows: Rows, left: Bools, trusted: Features, basis: Matrix
) -> tuple[Scores, Scores] | None:
    """Return on which side of the middle between the two means each row lies, by means made without it.

    Parameters
    ----------
    features : float32[N, D]
    rows : int64[n]
        The suspect rows of one class.
    left : bool[n]
        Those that make the mean.
    trusted : float32[m, D]
        Trusted rows of the class.
    basis : float64[D, D]
        In which distances are measured: `x @ basis`.

    Returns
    -------
    float64[n], float64[m], or None
        From -1, at the trusted mean or beyond it, to 1, at the suspect mean or beyond it. None where one
        of the two has fewer than two rows.
    """
    n, m = int(left.sum()), len(trusted)
    if min(n, m) < 2:
        return None
    fold, trusted_fold = np.zeros(len(rows), np.int64), np.arange(m) % min(_FOLDS, n, m)
    fold[left] = np.arange(n) % min(_FOLDS, n, m)
    margin, trusted_margin = np.zeros(len(rows)), np.zeros(m)
    for held in range(min(_FOLDS, n, m)):
        far = features[rows[left & (fold != held)]].mean(0, dtype=np.float64)
        near = trusted[trusted_fold != held].mean(0, dtype=np.float64)
        across = (far - near) @ basis
        axis = basis @ across / max(float(across @ across), np.finfo(float).tiny)
        for out, mask, points in (
            (margin, fold == held, features[rows[fold == held]]),
            (trusted_margin, trusted_fold == held, trusted[trusted_fold == held]),
        ):
            out[mask] = np.clip(2 * ((points - (far + near) / 2) @ axis), -1, 1)
    return margin, trusted_margin


def mostly_poison(margin: Scores, trusted: Scores, left: Bools) -> Part | None:
    """Return what lies apart from the trusted rows, if that is most of a class and they are not in it.

    Parameters
    ----------
    margin : float64[n]
    trusted : float64[m]
        As `processing.defenses.common.apart.apart` gives them.
    left : bool[n]
    """
    share = float((margin > 0)[left].mean())
    if share < _MOST or float((trusted > 0).mean()) > _HARDLY_ANY:
        return None
    found = part("larger", margin > 0, left, margin, trusted > 0)
    return found if share < _NEARLY_ALL else replace(found, name=WHOLE, rows=np.ones(len(margin), bool))


def part(name: str, rows: Bools, left: Bools, margin: Scores, trusted: Bools) -> Part:
    """Return a part of a class with what trusted rows, bool[m], say of it."""
    share, p_value = clean_share(rows[left], trusted), rarity(rows[left], trusted)
    return Part(name, rows, margin, trusted, share, p_value)


def clean_share(suspect: Bools, trusted: Bools) -> float:
    """Estimate the share of a part of a class that is clean, 0..1; at least as high as it is.

    The rate at which trusted rows, bool[m], fall into it, over the rate of the suspect rows, bool[n].
    Without trusted rows all of it is taken to be clean.
    """
    if not len(trusted) or not suspect.any():
        return 1.0
    return float(min(1.0, trusted.mean() / suspect.mean()))


def rarity(suspect: Bools, trusted: Bools) -> float:
    """Return the p-value that trusted rows, bool[m], fall into a part as often as suspect rows, bool[n].

    One-sided, Fisher's exact test; 1 without trusted rows.
    """
    from scipy.stats import fisher_exact

    table = [[int(mask.sum()), int((~mask).sum())] for mask in (trusted, suspect)]
    return float(fisher_exact(table, alternative="less").pvalue)
