"""Training anew on what the screen kept."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Retrain(Repair):
    """Train a fresh network on the rows that the screen kept, as the victim was trained on all of them.

    What it is worth is what the screen is worth: a backdoor needs few rows that were missed. It costs a whole
    training, and the clean rows that were flagged.
    """

    title = "retraining on the kept rows"
    source = "Tran, Li, Madry: Spectral Signatures in Backdoor Attacks. NeurIPS 2018, algorithm 1"
    assumes = "the screen has found all but a few of the poisoned rows"
    costs = "a whole training, and the clean rows that were flagged; no trusted rows"
    fails = "a backdoor that the rows that were missed are enough for"
    fresh: ClassVar[bool] = True

    kind: Literal["retrain"] = "retrain"

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a model that has not seen the flagged rows."""
        return bench.anew()
