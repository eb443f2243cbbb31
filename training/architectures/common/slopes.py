"""How the logit of a class hangs on what layers give: gradients of several layers in one pass over rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from boomerang.manifest import Images, Labels
from training.architectures.common.base import LOGITS
from training.architectures.common.batches import batch_of, batches
from training.architectures.common.inside import Floats, ways_to_logits

Slopes = Callable[[Images, Labels], list[Floats]]


def convolutions_of(model: Any) -> tuple[str, ...]:
    """Return the names of the convolutional layers that `logits` comes after, in order.

    They are those that give maps, float[N, H, W, C], and have a kernel of rank 4, whatever they are called: a
    depthwise convolution too, or a model within a model that has one.
    """
    return tuple(
        name
        for name, out in ways_to_logits(model).items()
        if len(out.shape) == 4
        and out.dtype.startswith("float")
        and any(len(weight.shape) == 4 for weight in model.get_layer(name).weights)
    )


def slopes_of(model: Any, layers: Sequence[str]) -> Slopes:
    """Return a function of images and classes: how the logit of a class hangs on the channels of layers.

    The images go through the model once, forwards and backwards, however many layers are asked for. What is
    held is a batch, and what is returned.

    Parameters
    ----------
    model : keras.Model
        With a layer named `logits`.
    layers : sequence of str
        Such that `logits` comes after, with float output; one or more.

    Returns
    -------
    callable
        uint8[N, H, W, C], int64[N] -> a list of float32[N, D], one for each layer: the gradient of the logit
        of each row's class with respect to the layer's output, averaged over its positions (as Grad-CAM
        weighs channels, Selvaraju et al. 2017).
    """
    import tensorflow as tf
    from keras import Model

    tensors = ways_to_logits(model)
    whole = Model(model.inputs, [*(tensors[layer] for layer in layers), tensors[LOGITS]])
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8), tf.TensorSpec([None], tf.int64)]

    def backward(images: Any, classes: Any) -> Any:
        *inner, logits = whole(images, training=False)
        told = tf.gather(logits, classes, batch_dims=1)
        # In a graph, so of any tensor on the way: a tape notes nothing before the first trained weight.
        gradients = tf.gradients(told, inner)
        return [tf.reduce_mean(each, list(range(1, len(each.shape) - 1))) for each in gradients]

    step = tf.function(backward, input_signature=signature)
    widths, batch = [tensors[layer].shape[-1] for layer in layers], batch_of(model)

    def ask(x: Images, y: Labels) -> list[Floats]:
        found = [np.empty((len(x), width), np.float32) for width in widths]
        for part, images in batches(x, batch):
            for out, means in zip(found, step(images, np.asarray(y[part], np.int64)), strict=True):
                out[part] = means.numpy()
        return found

    return ask
