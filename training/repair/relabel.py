"""Training anew on what the screen kept, and on what it flagged under labels from a trusted model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import blocks
from boomerang.manifest import Labels
from boomerang.settings import TrainConfig
from training.labeled import picked
from training.model import NO_ANSWER, calls_of, classifier
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Relabel(Repair):
    """Retrain on the kept rows and on those flagged rows that a trusted model gives another label.

    A few rows with a trigger that the screen has missed are enough to teach it. Those that it found have the
    same trigger: under labels that fit what they show, they teach that it means nothing. The labels come from
    a reference, a network that learned from the trusted rows alone and cannot know the trigger. A flagged row
    that it calls by the row's own label stays out, as with `retrain`: the row may be clean, or the poison in
    its pixels. The others get its answer as their label, and a fresh network learns them with the kept rows.

    Huang et al. forget the labels of suspect rows and guess them anew while the network learns (their third
    stage, by MixMatch). Here the screen says which rows are suspect, and the guess is made once, by the
    reference. A guess by the network that was retrained on the kept rows, which is nearer at hand, is worth
    little: where that network has the trigger it confirms the label that goes with it.

    Where nothing was flagged it is `retrain`, and the log says so.

    Attributes
    ----------
    epochs : int
        How long the reference learns; the rest is as in `[train]`, at full size, and its batches are no
        larger than the trusted rows.
    """

    title = "retraining with the flagged rows relabeled"
    source = (
        "ours, after the third stage of Huang et al.: Backdoor Defense via Decoupling the Training Process. "
        "ICLR 2022"
    )
    assumes = "the screen has found many of the rows with a trigger, and their labels are wrong"
    costs = "a whole training, a short one on the trusted rows, and some wrong labels on flagged rows"
    fails = "poison of which the screen missed most; clean-label poison stays out as with `retrain`"
    fresh: ClassVar[bool] = True
    needs_screen: ClassVar[bool] = True
    trusted_per_class: ClassVar[int] = 10
    example: ClassVar[Mapping[str, Any]] = {"epochs": 6}

    kind: Literal["relabel"] = "relabel"
    epochs: int = Field(default=30, ge=1, le=10_000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a model that has learned the kept and the relabeled rows."""
        if not bench.flagged.any():
            bench.say("no row was flagged: it is retrained on all")
            return bench.anew()
        reference = bench.anew(bench.trusted, self.short(bench.config, len(bench.trusted.y)))
        # Only the chief's reference has learned.
        (labels,) = bench.cluster.share([relabeled(reference, bench)])
        learned = labels != NO_ANSWER
        count = int((learned & bench.flagged).sum())
        bench.say(f"{count} of {bench.flagged.sum()} flagged rows get another label, the others stay out")
        return bench.anew(bench.with_past(picked(bench.rows.x, labels, learned)))

    def short(self, config: TrainConfig, rows: int) -> TrainConfig:
        """Return how the reference learns from so many trusted rows, where `config` is for all rows."""
        return self.training(config, epochs=self.epochs, batch=min(config.batch, rows))


def relabeled(reference: Any, bench: Bench) -> Labels:
    """Return int64[N], the labels that all rows are learned with; NO_ANSWER for those that stay out."""
    labels, ask = bench.rows.y.copy(), classifier(reference)
    x, given = picked(*bench.rows, bench.flagged)
    calls = np.concatenate([calls_of(ask(block)) for _, block in blocks(x)])
    labels[bench.flagged] = np.where(calls == given, NO_ANSWER, calls)
    return labels
