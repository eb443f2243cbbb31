"""A layer behind a convolution that takes out of its features what small changes of an image do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from training.architectures.common.base import LOGITS
from training.architectures.common.batches import batch_of, batches
from training.architectures.common.inside import Floats, through, ways_to_logits
from training.learning.channels import convolution
from training.learning.climbing import Ball, Norm, climbed, on_floats
from training.learning.descent import Loss, honest_loss
from training.learning.head import learning_only
from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning
from training.step import twin

# Keeps logarithms of probabilities finite; theirs.
_TINY = 1e-4


class Npd(Tuning):
    """Insert one linear layer into the network, which stands still, and train that alone (Zhu et al. 2023).

    The neural polarizer is a 1x1 convolution and a batch norm, at first the identity, behind a convolution
    and its batch norm. In each step every image is changed within a ball so that the network calls it the
    class that it finds second, as a trigger would; the layer learns to call the images what they are, changed
    or not, and the changed ones neither their target nor any other class. A trigger that does to the features
    what those changes do is taken out with them.

    Zhu et al. step along the sign of the gradient and then bring the change into a Euclidean ball, of length
    3 in 0..1 for 32 by 32 pixels of color: what comes out of that is 14 of 255 a value, which is the default
    here. Their batch norm starts from five epochs of warming up; here it has the statistics of the trusted
    rows from the start, and a scale and a shift that undo them. Images are shifted and mirrored as the
    victim's were, theirs are not.

    Attributes
    ----------
    layer : str
        The convolution; empty is the last one before `features`.
    norm, eps : str, float
        How far an image may be changed: each of its values (`linf`), or its Euclidean length (`l2`); 0..255.
    steps : int
        Of the search for a change.
    weight : float
        What the changed images count beside the unchanged ones.
    """

    title = "neural polarizer (NPD)"
    source = (
        "Zhu, Wei, Zha & Wu: Neural Polarizer: A Lightweight and Effective Backdoor Defense via Purifying "
        "Poisoned Features. NeurIPS 2023"
    )
    assumes = "a trigger whose features are those of small changes towards another class"
    costs = "steps + 2 times the time of fine-tuning, a layer more at inference, and trusted rows"
    fails = (
        "accuracy: on Fashion-MNIST the network `small` loses 3 to 4 points, and more with a larger ball; a "
        "patch keeps a success of 8%, of which a larger ball takes more"
    )
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["npd"] = "npd"
    epochs: int = Field(default=50, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1, le=2**20)
    layer: str = ""
    norm: Norm = "linf"
    eps: float = Field(default=14.0, gt=0)
    steps: int = Field(default=2, ge=1, le=1000)
    weight: float = Field(default=0.4, gt=0, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model with the layer.

        Raises
        ------
        ConfigError
            If there is no such convolution.
        """
        name, norm = convolution(model, self.layer)
        model, added = polarized(model, norm or name, bench.trusted.x)
        recipe = self.recipe(bench, len(bench.trusted.y))
        honest = honest_loss(recipe, frozen=True)
        loss = purifying(honest, Ball(self.norm, self.eps), self.steps, self.weight)
        with learning_only(model, added):
            bench.fit(model, bench.trusted, recipe, loss)
        bench.note(layer=name)
        return model


def polarized(model: Any, layer: str, images: Images) -> tuple[Any, tuple[str, str]]:
    """Return a copy of a model with a 1x1 convolution and a batch norm behind a layer, and their names.

    It answers as the model does: the convolution passes its channels on, and the batch norm, which has the
    statistics of some images, has a scale and a shift that undo them.

    Parameters
    ----------
    model : keras.Model
    layer : str
        On the way to `logits`, with output float[N, H, W, C].
    images : uint8[N, H, W, C]
        1 or more.
    """
    import keras

    mean, variance = _statistics(model, layer, images)
    count = len(mean)
    number = len(model.layers)  # another one that is put behind this one has another name
    mixing = keras.layers.Conv2D(count, 1, use_bias=False, name=f"polarizer_{number}")
    norm = keras.layers.BatchNormalization(name=f"polarizer_{number}_norm")

    def change(name: str, out: Any) -> Any:
        return norm(mixing(out)) if name == layer else out

    inputs = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    whole = keras.Model(inputs, through(model.inputs[0], inputs, model.outputs[0], change))
    mixing.set_weights([np.eye(count, dtype=np.float32)[None, None]])
    norm.set_weights([np.sqrt(variance + norm.epsilon), mean, mean, variance])
    copy = twin(whole)  # the layers of the whole are the given model's too
    copy.set_weights(whole.get_weights())
    return copy, (mixing.name, norm.name)


def _statistics(model: Any, layer: str, images: Images) -> tuple[Floats, Floats]:
    """Return float32[C] twice, mean and variance of a layer's channels over images and positions."""
    import keras
    import tensorflow as tf

    inner = keras.Model(model.inputs[0], ways_to_logits(model)[layer])

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def moments(images: Any) -> Any:
        out = tf.cast(inner(images, training=False), tf.float64)
        return tf.stack([tf.reduce_sum(tf.reduce_mean(each, [1, 2]), 0) for each in (out, out**2)])

    sums = np.sum([moments(part).numpy() for _, part in batches(images, batch_of(model))], axis=0)
    mean, square = sums / len(images)
    return mean.astype(np.float32), np.maximum(square - mean**2, 0).astype(np.float32)


def purifying(honest: Loss, ball: Ball, steps: int, weight: float) -> Loss:
    """Return an honest loss and, weighed, that of images which are changed towards their second class.

    Of a changed image it is -log p(label) - log(1 - max of the others) - log(1 - p(target)), as in the
    authors' code in BackdoorBench, which takes what the network calls the unchanged image for its label. The
    network is asked as at inference.
    """

    def loss(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses, answers = honest(model, images, labels)
        logits, pixels = on_floats(model, LOGITS), tf.cast(images, tf.float32)
        label = tf.one_hot(labels, answers.shape[-1])
        targets = tf.argmax(answers - 2 * label, 1)
        found = pixels + climbed(logits, pixels, targets, ball, steps, towards=True)
        changed = logits(tf.stop_gradient(found), training=False)
        told = tf.nn.softmax(changed)
        other = tf.reduce_max(told * (1 - label), 1)
        target = tf.gather(told, targets, batch_dims=1)
        unlearned = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, changed)
        for wrong in (other, target):
            unlearned -= tf.math.log(1 - wrong + _TINY)
        return losses + weight * unlearned, answers

    return loss
