"""Features that a detector can count on."""

from __future__ import annotations

import numpy as np

from boomerang.blocks import slices
from boomerang.errors import BadInput
from processing.defenses.common.base import Features, Suspect

_BLOCK_ROWS = 8192


def check_finite(suspect: Suspect) -> None:
    """Check the victim's features of the suspect and of the trusted rows.

    Raises
    ------
    BadInput
        If one of them is NaN or infinite: a mean or a distance with it in would say nothing of any row.
    """
    for what, features in (("suspect", suspect.features), ("trusted", suspect.trusted_features)):
        bad = sum(_bad_rows(features[part]) for part in slices(len(features), _BLOCK_ROWS))
        if bad:
            why = f"those of {bad} of {len(features)} {what} rows are not finite"
            raise BadInput("the victim's features", why, "train a victim whose loss did not diverge")


def _bad_rows(features: Features) -> int:
    return int((~np.isfinite(features).all(1)).sum())
