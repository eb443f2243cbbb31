"""The last step of a threshold: what scores higher than it is flagged, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.scoring import conformal_threshold, rows_needed
from processing.defenses.common.base import Finding, Scored, Scores
from processing.defenses.common.threshold import (
    fpr_at_most,
    reached,
    too_few,
)


@dataclass(frozen=True)
class Beside:
    """What is known beside the scores of the suspect rows.

    Attributes
    ----------
    trusted : float64[M]
        Scores of trusted rows; as few as none.
    notes : dict
        Plain JSON.
    warnings : tuple of str
        What could not be looked for.
    """

    trusted: Scores
    notes: dict[str, Any]
    warnings: tuple[str, ...] = ()


def beyond(scores: Scores, trusted: Scores, max_fpr: float) -> Finding:
    """Flag what scores higher than a further trusted row would with probability `max_fpr`.

    Too few trusted rows for that flag nothing, with a warning. It notes what the defender can know of the
    rate that this threshold reaches, on rows that are like the trusted ones: `trusted_above`, see
    `processing.defenses.common.threshold.reached`, and `fpr_at_most`, see there.

    Parameters
    ----------
    scores : float64[N]
    trusted : float64[M]
        Scores of trusted rows, measured as the suspect ones are.
    max_fpr : float
        In (0, 1).
    """
    known = {
        "trusted_above": reached(trusted, max_fpr),
        "fpr_at_most": fpr_at_most(len(trusted), max_fpr),
    }
    notes = {
        "rule": "trusted",
        "trusted_rows": len(trusted),
        "trusted_rows_needed": rows_needed(max_fpr),
        **{name: round(value, 4) for name, value in known.items() if value is not None},
    }
    return above(scores, conformal_threshold(trusted, max_fpr), too_few(len(trusted), max_fpr), notes)


def above(scores: Scores, threshold: float | None, why: str, notes: dict[str, Any]) -> Finding:
    """Flag what scores higher than a threshold; without one nothing, with a warning that says why."""
    if threshold is None:
        return Finding(scores, np.zeros(len(scores), bool), None, notes, (why,))
    return Finding(scores, scores > threshold, threshold, notes)


def by_trusted(scored: Scored[Beside], max_fpr: float) -> Finding:
    """Flag what lies `beyond` the trusted rows, and say what is known beside."""
    return _said(beyond(scored.scores, scored.state.trusted, max_fpr), scored.state)


def by_quantile(scored: Scored[Beside], share: float) -> Finding:
    """Flag what scores higher than all trusted rows but a `share` of them, as published rules do.

    Parameters
    ----------
    scored : Scored
    share : float
        In (0, 1).
    """
    trusted = scored.state.trusted
    threshold = float(np.quantile(trusted, 1 - share)) if len(trusted) else None
    return by_paper(scored, threshold)


def by_paper(scored: Scored[Beside], threshold: float | None) -> Finding:
    """Flag what scores higher than a threshold that a paper sets; None is that no trusted row sets it."""
    why = "there is no trusted row to compare with: it flags nothing"
    notes = {"rule": "paper", "trusted_rows": len(scored.state.trusted)}
    return _said(above(scored.scores, threshold, why, notes), scored.state)


def _said(finding: Finding, state: Beside) -> Finding:
    return finding.beside(state.notes, state.warnings)
