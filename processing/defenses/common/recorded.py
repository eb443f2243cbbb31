"""What the record of the victim's training says of suspect rows, and of clean ones beside them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from boomerang.errors import BadInput
from boomerang.formats.model import Floats, Record
from processing.defenses.common.base import Finding, Scored, Suspect
from processing.defenses.common.flagging import Beside, by_trusted
from processing.defenses.common.threshold import top_rows

NO_RECORD = "the victim's training kept no record of its rows: it flags nothing"
BY_SHARE = "it flags its share of any set, of a clean one too"


def by_record(suspect: Suspect, suspicion: Callable[[Record], Floats]) -> Scored[Beside]:
    """Score rows by a column of the record, and clean rows beside them.

    Clean rows are those of the past, where the victim has learned some before the suspect ones; else the
    trusted rows, which it was asked about and has not learned. Without a record all scores are 0, and a
    warning says so.

    Parameters
    ----------
    suspect : Suspect
    suspicion : callable
        Record -> float32[N + M], higher is more suspicious.

    Raises
    ------
    BadInput
        If the record is of other rows.
    """
    record, rows = suspect.record, len(suspect.y)
    if record is None:
        return Scored(np.zeros(rows), Beside(np.zeros(0), {}, (NO_RECORD,)))
    first = record.learned - rows
    own = slice(first, record.learned)
    if first < 0 or not np.array_equal(record.y[own], suspect.y):
        why = "it is of other rows than the suspect ones, or of other labels"
        raise BadInput("the record of the victim's training", why, "give the victim that learned these rows")
    clean = slice(0, first) if first else slice(record.learned, None)
    scores = suspicion(record).astype(np.float64)
    notes = {"compared_with": "rows of the past" if first else "trusted rows"}
    return Scored(scores[own], Beside(scores[clean], notes))


def flag_beyond_clean(scored: Scored[Beside], max_fpr: float) -> Finding:
    """Flag what scores higher than a further clean row would with probability `max_fpr`."""
    return _unrecorded(scored) or by_trusted(scored, max_fpr)


def flag_share(scored: Scored[Beside], share: float) -> Finding:
    """Flag the `share` (0..1) of rows with the highest scores; a warning says that it does so of any set."""
    flagged = np.zeros(len(scored.scores), bool)
    flagged[top_rows(scored.scores, np.arange(len(flagged)), share)] = True
    return _unrecorded(scored) or Finding(scored.scores, flagged, warnings=(BY_SHARE,))


def _unrecorded(scored: Scored[Beside]) -> Finding | None:
    """Return what is to be said where there is no record: nothing is flagged."""
    warnings = scored.state.warnings
    if NO_RECORD not in warnings:
        return None
    return Finding(scored.scores, np.zeros(len(scored.scores), bool), warnings=warnings)
