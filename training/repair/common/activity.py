"""Which channels of a convolution the trusted rows use least, and the accuracy that is left without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Bools
from training.architectures.common.base import LOGITS
from training.architectures.common.batches import batch_of, batches
from training.architectures.common.inside import made_of, ways_to_logits
from training.labeled import Labeled
from training.learning.mirror import plain
from training.repair.common.channels import convolution

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PruningCurve:
    """What becomes of a model as the channels of one convolution are cut, the least active first.

    Attributes
    ----------
    layer : str
        The convolution.
    order : int64[C]
        Its channels, the least active first.
    accuracy : float64[C + 1]
        On the trusted rows, with the first k of them cut.
    """

    layer: str
    order: npt.NDArray[np.int64]
    accuracy: Doubles

    def cut_until(self, drop: float) -> Bools:
        """Return bool[C], the channels that are cut when the accuracy has dropped by more than `drop`.

        The one that it dropped with is among them; they are all, if it never has.
        """
        dropped = self.accuracy[0] - self.accuracy > drop
        count = int(dropped.argmax()) if dropped.any() else len(self.order)
        channels = np.zeros(len(self.order), bool)
        channels[self.order[:count]] = True
        return channels

    def note(self) -> dict[str, list[float]]:
        """Return it as a repair notes a curve."""
        cut: list[float] = list(range(len(self.accuracy)))
        return {"channels cut": cut, "trusted accuracy": self.accuracy.tolist()}


def pruning_curve(model: Any, layer: str, trusted: Labeled) -> PruningCurve:
    """Cut the channels of a convolution one by one, and ask about the trusted rows each time.

    The order is by the mean activation on the trusted rows: of what the convolution gives, if it has an
    activation of its own, else of what a ReLU would make of what comes out of its batch norm, or of itself.
    What lies before the channels is computed once. The model is not changed; of one that answers for mirrored
    images too, the network inside is asked.

    Parameters
    ----------
    model : keras.Model
        With layers `features` and `logits`.
    layer : str
        A convolution; empty is the last one.
    trusted : Labeled
        1 row or more.

    Raises
    ------
    ConfigError
        If there is no such convolution.
    """
    model = plain(model)
    name, norm = convolution(model, layer)
    before, after = _halves(model, norm or name)
    own = model.get_layer(name).activation.__name__ != "linear"
    active = _mean_activation(model, name if own else norm or name, trusted)
    order = np.argsort(active, kind="stable")
    masks = np.ones((len(order) + 1, len(order)), np.float32)
    for count, channel in enumerate(order):
        masks[count + 1 :, channel] = 0
    return PruningCurve(name, order, _accuracies(before, after, masks, trusted))


def _halves(model: Any, layer: str) -> tuple[Any, Any]:
    """Return a model up to a layer, and one from there to `logits`; what those need beside it passes too."""
    import keras

    tensors = ways_to_logits(model)
    behind: set[str] = {layer}
    beside: dict[str, Any] = {}
    for name, tensor in tensors.items():  # what it was made of comes before it
        sources = {each._keras_history[0].name: each for each in made_of(tensor)}
        if behind & sources.keys():
            behind.add(name)
            beside |= {source: each for source, each in sources.items() if source not in behind}
    passed = [tensors[layer], *beside.values()]
    return keras.Model(model.inputs[0], passed), keras.Model(passed, tensors[LOGITS])


def _mean_activation(model: Any, layer: str, trusted: Labeled) -> Doubles:
    """Return float64[C], the mean over rows and positions of what is positive of a layer's output."""
    import keras
    import tensorflow as tf

    inner = keras.Model(model.inputs[0], ways_to_logits(model)[layer])

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def total(images: Any) -> Any:
        return tf.reduce_sum(tf.reduce_mean(tf.nn.relu(inner(images, training=False)), [1, 2]), 0)

    sums = [np.asarray(total(images), np.float64) for _, images in batches(trusted.x, batch_of(model))]
    return np.asarray(np.sum(sums, axis=0) / len(trusted.y))


def _accuracies(before: Any, after: Any, masks: npt.NDArray[np.float32], trusted: Labeled) -> Doubles:
    """Return float64[M], the accuracy with each of float32[M, C] on the channels."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def right(inner: Any, beside: Any, mask: Any, labels: Any) -> Any:
        calls = tf.argmax(after([inner * mask, *beside], training=False), 1)
        return tf.math.count_nonzero(calls == labels)

    counts = np.zeros(len(masks))
    for part, images in batches(trusted.x, batch_of(before)):
        inner, *beside = _listed(before(images, training=False))
        labels = tf.constant(trusted.y[part])
        for number, mask in enumerate(masks):
            counts[number] += int(right(inner, beside, tf.constant(mask), labels))
    return counts / len(trusted.y)


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
