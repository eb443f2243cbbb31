"""Features that a detector can count on."""

from __future__ import annotations

import numpy as np

from boomerang.blocks import slices
from boomerang.errors import BadInput
from processing.defenses.common.base import Features, Suspect

_BLOCK_ROWS = 8192


def known_features(suspect: Suspect) -> tuple[Features, Features]:
    """Return float32[N, D] and float32[M, D], the victim's features of the suspect and of the trusted rows.

    Raises
    ------
    BadInput
        If a value is NaN or infinite: a mean or a distance with it in would say nothing of any row.
    """
    _check("suspect", suspect.features)
    _check("trusted", suspect.trusted_features)
    return suspect.features, suspect.trusted_features


def _check(whose: str, features: Features) -> None:
    bad = [
        part.start + np.flatnonzero(~np.isfinite(features[part]).all(1))
        for part in slices(len(features), _BLOCK_ROWS)
    ]
    rows = np.concatenate([*bad, np.zeros(0, np.int64)])
    if len(rows):
        why = f"{len(rows)} of {len(features)} have a value that is not finite, the first is row {rows[0]}"
        raise BadInput(f"features of the {whose} rows", why, "look at that row, or train a victim anew")
