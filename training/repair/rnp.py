"""Unlearning what is clean, to find the channels that only the poison needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import slices
from boomerang.settings import TrainConfig
from training.architectures.common.inside import Floats, through
from training.labeled import Labeled
from training.learning.channels import cut, pairs_of
from training.learning.descent import Loss, cross_entropy
from training.repair.common.base import Repair
from training.repair.common.bench import Bench, tell
from training.step import twin

MOMENTUM = 0.9


class Rnp(Repair):
    """Make a copy forget the trusted rows, let masks bring them back, and cut the channels that do not help.

    First a copy of the model climbs the loss of the trusted rows, until it is right about no more than a
    share `forgotten` of a batch: what it does then is mostly the trigger's. Then its weights stand still, and
    a mask in 0..1 on each channel, on the scale of the batch norm behind its convolution, learns to bring the
    trusted rows back: it turns down what stands in their way. Channels with a mask below `below` are cut in
    the model that was given; the shift of their batch norm stays, as it did while the masks learned.

    Li et al. unlearn by epochs, with momentum, and stop after the first epoch that is bad enough. Here each
    batch stops by itself and there is no momentum, which would carry the copy on: far below chance it pays
    the masks to destroy all that is left. Batch norms have the statistics of the copy while the masks learn,
    not those of a batch; of the network, batch norms behind convolutions alone have masks.

    Attributes
    ----------
    forgotten : float
        Accuracy of a batch at which it is no longer unlearned.
    epochs : int
        How often the unlearning goes through the trusted rows, and how often the masks do.
    batch : int
        Rows of a step; all of them, where there are fewer.
    learning_rate : float
        Of the unlearning, without momentum.
    mask_rate : float
        Of the masks; momentum .9.
    weight : float
        What the loss counts while the masks learn.
    below : float
        Channels with a smaller mask are cut.
    """

    title = "reconstructive neuron pruning (RNP)"
    source = (
        "Li, Lyu, Ma, Koren, Lyu, Li & Jiang: Reconstructive Neuron Pruning for Backdoor Defense. ICML 2023; "
        "published on 1% clean rows"
    )
    assumes = "batch norms after the convolutions, and a trigger that has channels of its own"
    costs = "seconds, and few trusted rows: 1% were published"
    fails = (
        "networks of few channels: of `small` it takes half of the first layer, 6 to 20 points of accuracy, "
        "and leaves a third of a patch's success and all of blended's"
    )
    trusted_per_class: ClassVar[int] = 5
    example: ClassVar[Mapping[str, Any]] = {"epochs": 4}

    kind: Literal["rnp"] = "rnp"
    forgotten: float = Field(default=0.2, ge=0, lt=1)
    epochs: int = Field(default=20, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1, le=2**20)
    learning_rate: float = Field(default=0.03, gt=0, le=1000)
    mask_rate: float = Field(default=0.2, gt=0, le=1000)
    weight: float = Field(default=0.2, gt=0, le=1000)
    below: float = Field(default=0.3, gt=0, le=1)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model without these channels.

        Raises
        ------
        ConfigError
            If no convolution has a batch norm after it.
        """
        pairs = pairs_of(model, self.kind)
        copy = twin(model)
        copy.set_weights(model.get_weights())
        recipe = self.recipe(bench.config, len(bench.trusted.y))
        history = bench.fit(copy, bench.trusted, recipe, climbing(self.forgotten))
        masks = self.masks(copy, list(pairs.values()), bench.trusted, bench.seed)
        masks = bench.cluster.share(masks)  # only the chief's copy has unlearned
        cuts = {name: mask < self.below for name, mask in zip(pairs, masks, strict=True)}
        cut(model, cuts, shifts=False)
        tell(bench, cuts, accuracy_after_unlearning=history["val_accuracy"][-1])
        return model

    def recipe(self, config: TrainConfig, rows: int) -> TrainConfig:
        """Return how so many rows are unlearned, where `config` is the victim's."""
        return self.training(
            config,
            epochs=self.epochs,
            batch=min(self.batch, rows),
            optimizer="sgd",
            learning_rate=self.learning_rate,
            momentum=0.0,
            weight_decay=0.0,
            schedule="constant",
            warmup=0.0,
        )

    def masks(self, model: Any, layers: Sequence[str], rows: Labeled, seed: int) -> list[Floats]:
        """Return float32[C], 0..1, for each of some layers: the masks that make a model right about rows.

        Parameters
        ----------
        model : keras.Model
            It stands still.
        layers : sequence of str
            What each gives is multiplied by its mask.
        rows : Labeled
        seed : int
            Of the order of the rows.
        """
        import tensorflow as tf
        from keras.losses import sparse_categorical_crossentropy as cross_entropies

        masks = {name: tf.Variable(tf.ones(model.get_layer(name).moving_mean.shape)) for name in layers}
        speeds = {name: tf.Variable(tf.zeros_like(mask)) for name, mask in masks.items()}

        def masked(name: str, out: Any) -> Any:
            if name not in masks:
                return out
            norm = model.get_layer(name)
            shift = norm.beta if norm.center else 0.0
            return masks[name] * (out - shift) + shift

        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def step(images: Any, labels: Any) -> None:
            with tf.GradientTape() as tape:
                answers = through(model.inputs[0], images, model.outputs[0], masked)
                loss = self.weight * tf.reduce_mean(cross_entropies(labels, answers))
            for name, gradient in tape.gradient(loss, masks).items():
                speeds[name].assign(MOMENTUM * speeds[name] + gradient)
                masks[name].assign(tf.clip_by_value(masks[name] - self.mask_rate * speeds[name], 0, 1))

        for epoch in range(self.epochs):
            order = np.random.default_rng([seed, epoch]).permutation(len(rows.y))
            for part in slices(len(order), self.batch):
                chosen = np.sort(order[part])
                step(tf.constant(rows.x[chosen]), tf.constant(rows.y[chosen]))
        return [mask.numpy() for mask in masks.values()]


def climbing(forgotten: float) -> Loss:
    """Return the loss that climbs cross entropy while more than a share of the batch is answered right."""

    def climb(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses, answers = cross_entropy(model, images, labels)
        right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(answers, 1), labels), tf.float32))
        return -losses * tf.cast(right > forgotten, tf.float32), answers

    return climb
