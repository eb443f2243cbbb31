"""Fine-tuning that shifts the features, with a head that is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from training.learning.descent import Loss, honest_loss
from training.learning.head import drawn_anew
from training.model import LOGITS, Floats
from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning


class Fst(Tuning):
    """Draw the head anew, and fine-tune with a loss that keeps it away from what it was (Min et al. 2023).

    At low poisoning rates the features of triggered and clean rows lie close together, and fine-tuning need
    not move them. A head that must be unlike the old one moves them apart. The new head is as long as the old
    one. Min et al. bring it back to that length after each step, for the likeness in the loss would else fall
    for ever; here the likeness is that of a head brought to that length, which has the same minimum there,
    and the head itself is left free.

    Attributes
    ----------
    alpha : float
        Weight of the likeness of the heads in the loss, beside the cross entropy.
    """

    title = "FST"
    source = "Min et al.: Towards Stable Backdoor Purification through Feature Shift Tuning. NeurIPS 2023"
    assumes = "trusted rows enough to learn a head from"
    costs = "seconds, trusted rows, and the accuracy that those cannot teach a fresh head"
    fails = "?"
    example: ClassVar[Mapping[str, Any]] = {"epochs": 10, "batch": 16}

    kind: Literal["fst"] = "fst"
    epochs: int = Field(default=10, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1, le=2**20)
    alpha: float = Field(default=0.2, ge=0, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model with another head, and features that were shifted."""
        kernel = model.get_layer(LOGITS).kernel
        (before,) = bench.cluster.share([np.array(kernel)])
        drawn_anew(model)
        kernel.assign(kernel * np.linalg.norm(before) / np.linalg.norm(kernel))
        recipe = self.recipe(bench, len(bench.trusted.y))
        bench.fit(model, bench.trusted, recipe, unlike(before, self.alpha, honest_loss(recipe)))
        return model


def unlike(before: Floats, alpha: float, honest: Loss) -> Loss:
    """Return a loss that grows with the likeness of the head to an old one.

    Parameters
    ----------
    before : float32[D, K]
        The old head's kernel.
    alpha : float
        What is added to each row's loss is so much of the inner product of it and the head brought to its
        length.
    honest : Loss
        What it is added to.
    """
    length = float(np.linalg.norm(before))

    def loss(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses, answers = honest(model, images, labels)
        now = tf.convert_to_tensor(model.get_layer(LOGITS).kernel)
        return losses + alpha * length * tf.reduce_sum(before * now) / tf.norm(now), answers

    return loss
