"""What a network does inside: what its layers give, and its answer when they give something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images
from training.architectures.common.base import LOGITS
from training.architectures.common.batches import batch_of, batches

Floats = npt.NDArray[np.float32]
Pooled = Callable[[Images], Iterator[tuple[slice, tuple[Floats, ...]]]]
# The name of a layer and what it gives -> what it gives instead.
Change = Callable[[str, Any], Any]
# A layer, and the arguments that it is called with -> what it gives.
Apply = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def ways_to_logits(model: Any) -> dict[str, Any]:
    """Return the tensors that `logits` is computed from, by the layer each comes out of, first layer first.

    `layer.output` will not do: of a chain that was opened Keras keeps several graphs, and each layer has an
    output in every one.
    """
    found: dict[str, Any] = {}

    def follow(tensor: Any) -> None:
        made_by = tensor._keras_history[0]
        if made_by.name not in found:
            for each in made_of(tensor):
                follow(each)
            found[made_by.name] = tensor

    follow(model.get_layer(LOGITS).output)
    return found


def made_of(tensor: Any) -> list[Any]:
    """Return what the layer that a symbolic tensor comes out of was given."""
    layer, number, _ = tensor._keras_history
    return list(layer._inbound_nodes[number].input_tensors)


def usual_layers(network: Any) -> tuple[str, ...]:
    """Return the layers that the papers look at: convolutions, dense layers, activations, up to `logits`."""
    from keras import layers

    convolutions = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    others = (layers.Dense, layers.ReLU, layers.LeakyReLU, layers.Activation)
    names = [layer.name for layer in network.layers]
    return tuple(
        layer.name
        for layer in network.layers[: names.index(LOGITS) + 1]
        if isinstance(layer, others)
        or (isinstance(layer, convolutions) and tuple(layer.kernel_size) != (1, 1))
    )


def through(
    start: Any, instead: Any, end: Any, change: Change | None = None, apply: Apply | None = None
) -> Any:
    """Return what the layers from one symbolic tensor to another make of a third instead of the first.

    Parameters
    ----------
    start, end : keras.KerasTensor
    instead : tensor
        Symbolic or not: then numbers are what comes out, as at inference.
    change : callable, optional
        Called with the name of each layer on the way and what it gives; what it returns is passed on.
    apply : callable, optional
        Calls a layer, or something in its place.
    """
    made = {id(start): instead}

    def follow(tensor: Any) -> Any:
        if id(tensor) not in made:
            layer, number, _ = tensor._keras_history
            node = layer._inbound_nodes[number]
            for each in node.input_tensors:
                follow(each)
            args, kwargs = node.arguments.fill_in(made)
            outputs = _flat(layer(*args, **kwargs) if apply is None else apply(layer, args, kwargs))
            if change is not None:
                outputs = [change(layer.name, each) for each in outputs]
            made.update(zip(map(id, node.output_tensors), outputs, strict=True))
        return made[id(tensor)]

    return follow(end)


def _flat(outputs: Any) -> Sequence[Any]:
    return outputs if isinstance(outputs, list | tuple) else [outputs]


def pooled_of(model: Any, layers: Sequence[str]) -> Pooled:
    """Return a function of images: what comes out of several layers, averaged over the positions.

    Parameters
    ----------
    model : keras.Model
        With a layer named `logits`.
    layers : sequence of str
        `logits`, or ones that it comes after, with float output.

    Returns
    -------
    callable
        uint8[N, H, W, C] -> iterator over the batches: where each stands, and float32[n, D] for each layer.
        One pass gives all layers, and no more than a batch of it is held.
    """
    import tensorflow as tf
    from keras import Model

    tensors = ways_to_logits(model)
    inner = Model(model.inputs, [tensors[name] for name in layers])

    def forward(images: Any) -> list[Any]:
        found = _flat(inner(images, training=False))
        return [
            tf.reduce_mean(tf.cast(each, tf.float32), list(range(1, len(each.shape) - 1))) for each in found
        ]

    step = tf.function(forward, input_signature=[tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8)])
    batch = batch_of(model)

    def ask(x: Images) -> Iterator[tuple[slice, tuple[Floats, ...]]]:
        for part, images in batches(x, batch):
            yield part, tuple(each.numpy() for each in step(images))

    return ask
