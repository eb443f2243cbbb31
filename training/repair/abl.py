"""Anti-backdoor learning: the rows that are learned first are found, and then unlearned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.config import validate
from boomerang.manifest import Bools
from boomerang.settings import TrainConfig
from training.fit import answers
from training.labeled import Labeled, picked
from training.learning.descent import Loss, cross_entropy, honest_loss
from training.model import classifier
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Abl(Repair):
    """Train from nothing on rows that may be poisoned, and unlearn what was learned first (Li et al. 2021).

    A trigger is learned in the first epochs, before anything else. There the loss is kept from falling below
    a bound (local gradient ascent): clean rows stay there, those with a trigger fall below it all the same.
    The rows of the lowest loss are then set apart, the network learns the others as `[train]` says, and at
    last the loss of those that were set apart is driven up. It looks at no trusted row and no screen; of rows
    that a screen kept, it does so with those.

    The loss is bounded row by row, as the paper writes it; its code does so with the mean of a batch. While
    the network unlearns, batch norms are as at inference: of rows with a trigger alone they would learn
    moments that no clean image has.

    Attributes
    ----------
    early : int
        Epochs of the first stage, under a rate that is as in `[train]`; 20 of 100 in the paper.
    bound : float
        What the loss is kept from falling below there, in nats.
    isolated : float
        Share of the rows that is set apart.
    unlearning : int
        Epochs of the last stage.
    learning_rate : float
        Of the last stage, by gradient ascent with momentum.
    """

    title = "anti-backdoor learning (ABL)"
    source = "Li et al.: Anti-Backdoor Learning: Training Clean Models on Poisoned Data. NeurIPS 2021"
    assumes = "rows with a trigger are learned faster than any others, and are more than are set apart"
    costs = "a whole training and some epochs, and accuracy where clean rows are unlearned; no trusted rows"
    fails = "?"
    fresh: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"early": 1, "unlearning": 1, "learning_rate": 1e-4}

    kind: Literal["abl"] = "abl"
    early: int = Field(default=2, ge=1, le=10_000)
    bound: float = Field(default=0.5, ge=0)
    isolated: float = Field(default=0.01, gt=0, lt=1)
    unlearning: int = Field(default=20, ge=1, le=10_000)
    learning_rate: float = Field(default=5e-4, gt=0, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a fresh network that has unlearned the rows that it learned first."""
        first = self.recipe(bench, epochs=self.early)
        model = bench.anew(bench.kept, first, bounded(self.bound))
        # Only the chief's network has learned.
        (apart,) = bench.cluster.share([self.learned_first(model, bench.kept)])
        bench.say(f"{apart.sum()} of {len(apart)} rows were learned first and are set apart")
        bench.fit(model, picked(*bench.kept, ~apart))
        rows = picked(*bench.kept, apart)
        last = self.recipe(
            bench,
            epochs=self.unlearning,
            batch=min(bench.config.batch, len(rows.y)),
            optimizer="sgd",
            learning_rate=self.learning_rate,
            weight_decay=0.0,
            schedule="constant",
            warmup=0.0,
        )
        bench.fit(model, rows, last, contrary)
        return model

    def recipe(self, bench: Bench, **own: Any) -> TrainConfig:
        """Return how a stage learns, where `[train]` does not say it."""
        return validate(TrainConfig, {**bench.config.model_dump(), "sizes": (), **own}, where=self.kind)

    def learned_first(self, model: Any, rows: Labeled) -> Bools:
        """Return bool[N], the rows of the lowest loss; one at least."""
        told = answers(classifier(model), rows.x)[np.arange(len(rows.y)), rows.y]
        apart = np.zeros(len(told), bool)
        apart[np.argsort(-told, kind="stable")[: max(1, round(self.isolated * len(told)))]] = True
        return apart


def bounded(bound: float) -> Loss:
    """Return the cross entropy, which is driven up again wherever it is below a bound."""

    def loss(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses, given = cross_entropy(model, images, labels)
        return tf.sign(losses - bound) * losses, given

    return loss


def contrary(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
    """Return the negative cross entropy of a network that is asked as at inference; a `Loss`."""
    losses, given = _FROZEN(model, images, labels)
    return -losses, given


_FROZEN = honest_loss(TrainConfig(), frozen=True)
