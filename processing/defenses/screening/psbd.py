"""PSBD: what a trigger's row is called stays, when parts of what the victim computes are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from processing.defenses.common.altered_models import Answers, block_ends, dropped
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.flagging import Beside, by_quantile, by_trusted

Ask = Callable[[Images, float, int], Answers]

_RATES = tuple(tenths / 10 for tenths in range(1, 10))
_HIGH_SHIFT = 0.8


class Psbd(Detector):
    """How well the victim's answer withstands dropout at inference.

    Li et al. ask the victim once as it is and `passes` times with dropout. The prediction shift uncertainty
    (PSU) of a row is by how much the probability of the class that it is called without dropout falls on
    average. Clean rows shift to another class, rows with a trigger do not. The score is minus the PSU,
    -1..1.

    The dropout rate is one of 0.1, 0.2, ..., 0.9. The shift ratio is the share of passes in which a row is
    called otherwise than without dropout. Of the rates by which trusted rows shift in 0.8 of the passes and
    more, that is taken by which they shift most beyond the suspect rows; if there is none, of all rates.
    (Rows of K balanced classes that are all called one shift in 1 - 1/K of the passes: of four not in 0.8.)

    What departs from the paper:

    * Dropout comes after the victim's own dropout layers; in a network without any, after the sums that end
      its residual blocks (the paper's place), else after its activations, else after `features`.
    * For the choice of the rate `sample` of the suspect rows stand for all, drawn by the seed from those that
      were not set aside. All of them would cost 27 passes.
    * `rule = "trusted"` sets the threshold by the trusted rows' own scores, so that a further clean row is
      above it with probability `max_fpr`. The same rows have chosen the rate, which is one of nine. The
      paper flags what scores higher than all but 0.25 of the trusted rows.
    * Without trusted rows the rate is 0.5, and nothing is flagged.

    It looks at what the victim calls a row, not at its label: a row that the victim calls otherwise than its
    label says has a probability of that label which cannot fall. A victim that answers for mirrored images
    too is asked one way.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Rows that the victim has learned by heart shift less than trusted ones, so more of them may be. Fewer
        than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    share : float
        For `paper`: the share of trusted rows that score higher than the threshold.
    passes : int
        How often a row is asked about with dropout.
    sample : int
        Suspect rows that the rate is chosen by, at most.
    """

    title: ClassVar[str] = "prediction shift under dropout (PSBD)"
    source: ClassVar[str] = "Li et al. 2025, PSBD, section 4 and algorithm 1 (CVPR)"
    assumes: ClassVar[str] = "a trigger speaks through many neurons, so that no part of them is missed"
    costs: ClassVar[str] = "four passes of the victim, and 36 of the trusted rows and of the sample"
    fails: ClassVar[str] = (
        "wrong labels; triggers that hang on few positions of a small network, which dropout takes out; at a "
        "low share of clean rows most triggers, for some clean rows do not shift either"
    )
    example: ClassVar[dict[str, Any]] = {"sample": 200, "passes": 2}

    kind: Literal["psbd"] = "psbd"
    rule: Literal["trusted", "paper"] = "trusted"
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    share: float = Field(default=0.25, gt=0, lt=1)
    passes: int = Field(default=3, ge=1)
    sample: int = Field(default=2000, ge=1)

    def score(self, suspect: Suspect) -> Scored[Beside]:
        """Ask the victim about each row, with dropout and without.

        Raises
        ------
        BadInput
            If its answers are not finite.
        """
        network = suspect.victim.network
        places = block_ends(network)
        ask = dropped(network, places, suspect.seed)
        trusted_shifts, shifts = self._shifts(ask, suspect)
        rate = chosen(_RATES, trusted_shifts, shifts) if len(suspect.trusted_y) else 0.5
        scores, _ = _held(ask, suspect.x, rate, self.passes)
        trusted, _ = _held(ask, suspect.trusted_x, rate, self.passes)
        notes = {
            "dropout_after": list(places),
            "rate": rate,
            "trusted_shift": [round(each, 4) for each in trusted_shifts],
            "suspect_shift": [round(each, 4) for each in shifts],
        }
        return Scored(scores, Beside(trusted, notes))

    def decide(self, scored: Scored[Beside]) -> Finding:
        """Flag the rows whose class withstands dropout better than those of trusted rows do."""
        if self.rule == "paper":
            return by_quantile(scored, self.share)
        return by_trusted(scored, self.max_fpr)

    def _shifts(self, ask: Ask, suspect: Suspect) -> tuple[list[float], list[float]]:
        """Return the shift ratios of the trusted rows and of a sample of the suspect rows, by rate."""
        rng, left = np.random.default_rng(suspect.seed), np.flatnonzero(suspect.left)
        some = np.sort(rng.choice(left, min(self.sample, len(left)), replace=False))
        both = suspect.trusted_x, suspect.x[some]
        trusted, drawn = ([_held(ask, x, rate, self.passes)[1] for rate in _RATES] for x in both)
        return trusted, drawn


def chosen(rates: Sequence[float], trusted: Sequence[float], suspect: Sequence[float]) -> float:
    """Return the rate by which trusted rows shift most beyond suspect ones; of equals the lowest.

    Where some rates make trusted rows shift in 0.8 of the passes or more, it is one of these.

    Parameters
    ----------
    rates, trusted, suspect : sequence of float
        Dropout rates, and the shift ratios of trusted and of suspect rows by each, 0..1.

    >>> chosen([0.1, 0.2, 0.3], [0.1, 0.8, 0.9], [0, 0.6, 0.8])
    0.2
    """
    beyond = np.array(trusted) - np.array(suspect)
    high = np.array(trusted) >= _HIGH_SHIFT
    return float(rates[int(np.where(high | ~high.any(), beyond, -np.inf).argmax())])


def _held(ask: Ask, x: Images, rate: float, passes: int) -> tuple[Scores, float]:
    """Return float64[N], minus the PSU of each row; and the shift ratio, 0 of no rows."""
    held, shifted = np.zeros(len(x)), 0
    for part, answers in ask(x, rate, passes):
        calls = answers[0].argmax(1)
        of_call = answers[:, np.arange(len(calls)), calls].astype(np.float64)
        held[part] = of_call[1:].mean(0) - of_call[0]
        shifted += int((answers[1:].argmax(2) != calls).sum())
    return held, shifted / max(1, passes * len(x))
