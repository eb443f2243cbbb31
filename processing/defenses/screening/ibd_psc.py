"""IBD-PSC: what a trigger's row is called stays, when the last norms of the victim are amplified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels
from processing.defenses.common.altered_models import Answers, Factors, amplified
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.flagging import Beside, by_paper, by_trusted
from training.model import last_norms, norms

Ask = Callable[[Images, Factors], Answers]

# The architectures that have norms, as their settings are by default.
WITH_NORMS = ("badnet", "book", "fast", "lenet", "residual", "small")


class IbdPsc(Detector):
    """The probability of the given label under victims whose last norms are amplified.

    Hou et al. scale the weights gamma and beta of the last k batch norms by `factor`. Clean rows then lose
    their class and rows with a trigger keep it. k is the smallest number of norms by which the error on
    trusted rows rises above `error`; a row's score is the mean, over the victims with the last k, k + 1, ...
    norms amplified, of the probability that it is what its label says, 0..1.

    What departs from the paper:

    * Norms' outputs are multiplied, which is the same and works for norms without a scale (`fast` has such)
      and for layer and group norms.
    * The label that is looked at is the given one, of a trusted row its own. The paper screens inputs at
      inference and looks at the predicted one.
    * `rule = "trusted"` sets the threshold by the trusted rows' own scores, so that a further clean row is
      above it with probability `max_fpr`. The same rows have chosen k, which is one number of few. The
      paper's is 0.9.
    * Where k + `models` - 1 is more norms than there are, there are fewer victims. Where no k lifts the error
      above `error`, the last `models` steps to all norms are taken, with a warning.

    A victim that answers for mirrored images too is asked one way.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Rows that the victim has learned by heart are surer of their label than trusted ones, so more of them
        may be. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    threshold : float
        For `paper`: rows that score higher are flagged.
    factor : float
        What the norms are multiplied by.
    error : float
        Share of trusted rows that a victim has to get wrong for its number of norms to be the smallest.
    models : int
        How many victims are asked.
    """

    title: ClassVar[str] = "parameter scaling consistency (IBD-PSC)"
    source: ClassVar[str] = "Hou et al. 2024, IBD-PSC, sections 4.2-4.3 (ICML)"
    assumes: ClassVar[str] = "the victim is surer of a trigger than of any class, and has norms"
    costs: ClassVar[str] = "five passes of the victim, and one of the trusted rows for each of its norms"
    fails: ClassVar[str] = (
        "wrong labels, clean-label poison that needs no trigger, triggers the victim is hardly sure of, "
        "networks without norms"
    )

    kind: Literal["ibd_psc"] = "ibd_psc"
    rule: Literal["trusted", "paper"] = "trusted"
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    threshold: float = Field(default=0.9, gt=0, lt=1)
    factor: float = Field(default=1.5, gt=1)
    error: float = Field(default=0.6, gt=0, lt=1)
    models: int = Field(default=5, ge=1)

    def score(self, suspect: Suspect) -> Scored[Beside]:
        """Ask the victim for each row's label, its last norms amplified.

        Raises
        ------
        ConfigError
            If the victim has no norms.
        BadInput
            If its answers are not finite.
        """
        network = suspect.victim.network
        names = norms(network)
        if not names:
            do = f"take a network that has, such as {', '.join(WITH_NORMS)}, or leave it out"
            raise ConfigError("ibd_psc", "the victim has no norms that could be amplified", do)
        ask = amplified(network, names)

        def wrong(count: int) -> float:
            return _error(ask, suspect.trusted_x, suspect.trusted_y, self._factors(len(names), [count]))

        counts, errors = last_norms(wrong, len(names), self.error, self.models)
        lifted = errors[-1] > self.error
        ways = self._factors(len(names), counts)
        scores = _of_label(ask, suspect.x, suspect.y, ways)
        trusted = _of_label(ask, suspect.trusted_x, suspect.trusted_y, ways)
        notes = {"norms": len(names), "amplified": counts, "trusted_errors": [round(e, 4) for e in errors]}
        return Scored(scores, Beside(trusted, notes, () if lifted else (self._unmoved(len(names)),)))

    def decide(self, scored: Scored[Beside]) -> Finding:
        """Flag the rows whose label stays more probable than trusted rows' labels do, or than `threshold`."""
        if self.rule == "paper":
            return by_paper(scored, self.threshold)
        return by_trusted(scored, self.max_fpr)

    def _factors(self, layers: int, counts: Sequence[int]) -> Factors:
        """Return float32[S, L]: for each count `factor` for so many last layers, 1 for those before."""
        last = layers - np.arange(layers)
        return np.where(last <= np.array(counts)[:, None], self.factor, 1).astype(np.float32)

    def _unmoved(self, layers: int) -> str:
        return (
            f"{self.factor:g} times all {layers} norms do not lift the victim's error on trusted rows above "
            f"{self.error:g}: its scores say little"
        )


def _error(ask: Ask, x: Images, y: Labels, ways: Factors) -> float:
    """Return the share of rows whose label is not the most probable one; 0 of no rows."""
    wrong = sum(int((answers[0].argmax(1) != y[part]).sum()) for part, answers in ask(x, ways))
    return wrong / max(1, len(y))


def _of_label(ask: Ask, x: Images, y: Labels, ways: Factors) -> Scores:
    """Return float64[N], the mean over the ways of asking of the probability of each row's label."""
    found = np.zeros(len(y))
    for part, answers in ask(x, ways):
        found[part] = answers[:, np.arange(answers.shape[1]), y[part]].mean(0, dtype=np.float64)
    return found
