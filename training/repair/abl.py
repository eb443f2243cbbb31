"""Anti-backdoor learning: the rows that are learned first are found, and then unlearned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools
from training.fit import answers
from training.labeled import Labeled
from training.learning.descent import Loss, cross_entropy, honest_loss
from training.model import classifier
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Abl(Repair):
    """Train from nothing on rows that may be poisoned, and unlearn what was learned first (Li et al. 2021).

    A trigger is learned in the first epochs, before anything else. There the loss is kept from falling below
    a bound (local gradient ascent): clean rows stay there, those with a trigger fall below it all the same.
    The rows of the lowest loss are then unlearned while the others are learned as `[train]` says (global
    gradient ascent): their mean loss is taken off that of the others. It looks at no trusted row and no
    screen; of rows that a screen kept, it does so with those.

    The loss is bounded row by row, as the paper writes it; its code does so with the mean of a batch. A row
    is unlearned until its label is no likelier than a guess; in the paper there is no end to it. Unlearned
    after the training instead, as in its code, they took all else with them: of other trusted rows of
    Fashion-MNIST 10% to 52% were then right.

    Attributes
    ----------
    early : int
        Epochs of the first stage, under a rate that is as in `[train]`; 20 of 100 in the paper.
    bound : float
        What the loss is kept from falling below there, in nats.
    isolated : float
        Share of the rows that is unlearned.
    """

    title = "anti-backdoor learning (ABL)"
    source = "Li et al.: Anti-Backdoor Learning: Training Clean Models on Poisoned Data. NeurIPS 2021"
    assumes = "rows with a trigger are learned faster than any others, and are more than are set apart"
    costs = "a whole training and some epochs, and accuracy where clean rows are unlearned; no trusted rows"
    fails = (
        "networks that learn the classes as fast as a trigger: on Fashion-MNIST two thirds of the rows that "
        "it found were BadNets', a quarter blended, none SIG; BadNets came down to 7%, blended to 37%, and "
        "accuracy by 20 points and more"
    )
    fresh: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"early": 1}

    kind: Literal["abl"] = "abl"
    early: int = Field(default=2, ge=1, le=10_000)
    bound: float = Field(default=0.5, ge=0)
    isolated: float = Field(default=0.01, gt=0, lt=1)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a fresh network that has learned the rows but those that it learned first."""
        early = self.training(bench.config, epochs=self.early)
        model = bench.anew(bench.kept, early, bounded(self.bound))
        # Only the chief's network has learned.
        (apart,) = bench.cluster.share([self.learned_first(model, bench.kept)])
        bench.say(f"{apart.sum()} of {len(apart)} rows were learned first and are unlearned")
        x, y = bench.kept
        told = Labeled(x, np.where(apart, y + len(bench.classes), y))
        bench.fit(model, told, loss=parted(float((~apart).sum() / apart.sum()), honest_loss(bench.config)))
        return model

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


def parted(weight: float, honest: Loss) -> Loss:
    """Return a loss that learns some rows and unlearns the others, each of these with a weight.

    Parameters
    ----------
    weight : float
    honest : Loss
        Of K classes. A row whose label is y + K is unlearned: its loss for y is driven up to log K.
    """

    def loss(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        classes = model.output_shape[-1]
        losses, given = honest(model, images, labels % classes)
        unlearned = -weight * tf.minimum(losses, float(np.log(classes)))
        return tf.where(labels < classes, losses, unlearned), given

    return loss
