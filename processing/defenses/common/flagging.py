"""What is flagged where trusted rows are scored as the suspect ones are: what scores higher than they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from processing.defenses.common.base import Finding, Scored, Scores
from processing.defenses.common.threshold import conformal_threshold, rows_needed, too_few


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


def by_trusted(scored: Scored[Beside], max_fpr: float) -> Finding:
    """Flag what scores higher than a further trusted row would with probability `max_fpr`.

    Too few trusted rows for that flag nothing, with a warning.

    Parameters
    ----------
    scored : Scored
    max_fpr : float
        In (0, 1).
    """
    trusted = scored.state.trusted
    notes = {"rule": "trusted", "trusted_rows_needed": rows_needed(max_fpr)}
    return above(scored, conformal_threshold(trusted, max_fpr), too_few(len(trusted), max_fpr), notes)


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
    return above(
        scored, threshold, "there is no trusted row to compare with: it flags nothing", {"rule": "paper"}
    )


def above(scored: Scored[Beside], threshold: float | None, why: str, notes: dict[str, Any]) -> Finding:
    """Flag what scores higher than a threshold; without one nothing, with a warning that says why.

    Parameters
    ----------
    scored : Scored
    threshold : float or None
    why : str
        Why there is none.
    notes : dict
        Plain JSON, beside what is known.
    """
    scores, state = scored.scores, scored.state
    flagged = np.zeros(len(scores), bool) if threshold is None else scores > threshold
    warnings = state.warnings if threshold is not None else (*state.warnings, why)
    said = {**state.notes, "trusted_rows": len(state.trusted), **notes}
    return Finding(scores, flagged, threshold, said, warnings)
