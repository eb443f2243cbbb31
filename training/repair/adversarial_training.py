"""Adversarial training: on images that were changed so that the model is least sure of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from training.learning.descent import Loss
from training.model import LOGITS, Ball, Norm, hardest, on_floats
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class AdversarialTraining(Repair):
    """Train on the worst small change of each image instead of the image (Madry et al. 2018).

    The change is sought anew in each step, from a random one, by gradient ascent on the cross entropy: one
    step is the fast gradient sign method (FGSM; Goodfellow et al. 2015, from a random start as Wong et al.
    2020 have it), several are projected gradient descent (PGD). The network is asked as at inference while it
    is sought. It learns the rows that the screen kept, or all, as `[train]` says.

    Its worth is against changed images at inference. As a defense against poison it is in NIST Dioptra's
    demonstrations, on clean-label poison that was made by the same kind of change.

    Attributes
    ----------
    anew : bool
        Whether a fresh network is trained, as long as the victim was; else the model is trained further.
    epochs : int
        How long, where it is trained further.
    share : float
        Share of each batch that is changed; Madry et al. have all.
    norm, eps : str, float
        How far an image may be changed: each of its values (`linf`), or its Euclidean length (`l2`); 0..255.
    steps : int
        Of the search.
    """

    title = "adversarial training"
    source = "Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks. ICLR 2018"
    assumes = "small changes, of the kind that is trained on"
    costs = (
        "steps + 1 times the time of a training, and accuracy: on Fashion-MNIST 3.6 points for a robust "
        "accuracy of 79% instead of 42%; no trusted rows"
    )
    fails = (
        "triggers, which are no small changes: a backdoor is learned all the same; larger changes, and those "
        "of another norm"
    )
    example: ClassVar[Mapping[str, Any]] = {"epochs": 1, "eps": 2.0, "steps": 1}

    kind: Literal["adversarial_training"] = "adversarial_training"
    anew: bool = False
    epochs: int = Field(default=5, ge=1, le=10_000)
    share: float = Field(default=1.0, gt=0, le=1)
    norm: Norm = "linf"
    eps: float = Field(default=8.0, gt=0)
    steps: int = Field(default=7, ge=1, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a model that has learned changed images."""
        loss = on_hardest(Ball(self.norm, self.eps), self.steps, self.share)
        if self.anew:
            return bench.anew(loss=loss)
        bench.fit(model, bench.kept, self.training(bench.config, epochs=self.epochs), loss)
        return model


def on_hardest(ball: Ball, steps: int, share: float) -> Loss:
    """Return the cross entropy on images as they are changed in a ball around them.

    Where each search begins is drawn from a seed that the batch itself gives, so that a training that was
    stopped goes on with the same numbers.
    """

    def loss(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import keras
        import tensorflow as tf

        answer, pixels = on_floats(model, LOGITS), tf.cast(images, tf.float32)
        seed = tf.stack([tf.reduce_sum(tf.cast(images, tf.int32)), tf.reduce_sum(tf.cast(labels, tf.int32))])
        start = ball.held(tf.random.stateless_uniform(tf.shape(pixels), seed, -ball.radius, ball.radius))
        count = tf.cast(tf.math.ceil(share * tf.cast(tf.shape(labels)[0], tf.float32)), tf.int32)
        hard = hardest(answer, pixels[:count], labels[:count], ball, steps, start[:count])
        logits = answer(tf.concat([hard, pixels[count:]], 0), training=True)
        return (
            keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True),
            tf.nn.softmax(logits),
        )

    return loss
