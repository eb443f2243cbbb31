"""A model that answers for an image and its mirror: its features are the mean of those of both.

Logits are linear in the features, so they are the mean of both too. It is made of Keras' own operations. The
network inside is laid flat; each of its layers is applied twice, first to the image. Only `features` has
another name there, for in the whole that is the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.architectures.common.base import FEATURES
from training.architectures.common.inside import made_of, through

_ONE_WAY = "features_one_way"


def is_mirrored(model: Any) -> bool:
    """Whether a model answers for an image and its mirror."""
    return any(layer.name == _ONE_WAY for layer in model.layers)


def mirrored(model: Any) -> Any:
    """Return a copy of a model that answers for an image and its mirror; one that does already as it is."""
    import keras
    from keras import ops

    if is_mirrored(model):
        return model
    trunk = copied(model, {FEATURES: _ONE_WAY})
    features, images = (
        _output(trunk, _ONE_WAY),
        keras.Input(model.input_shape[1:], dtype="uint8", name="images"),
    )
    ways = [through(trunk.inputs[0], seen, features) for seen in (images, ops.flip(images, axis=2))]
    mean = keras.layers.Average(name=FEATURES)(ways)
    return copied(keras.Model(images, through(features, mean, trunk.outputs[0])))


def plain(model: Any) -> Any:
    """Return the network inside a model that answers for an image and its mirror; another one as it is.

    It is what a training goes on from: whoever trains both ways at once trains the same network at twice the
    price.
    """
    import keras

    if not is_mirrored(model):
        return model
    mean = _output(model, FEATURES)
    answers = through(mean, made_of(mean)[0], model.outputs[0])
    return copied(keras.Model(model.inputs, answers), {_ONE_WAY: FEATURES})


def _output(model: Any, layer: str) -> Any:
    """Return what comes out of a layer on the way to the answers; a layer may hang in other graphs too."""
    todo = [model.outputs[0]]
    while todo:
        tensor = todo.pop()
        if tensor._keras_history[0].name == layer:
            return tensor
        todo += made_of(tensor)
    raise ValueError(f"no layer '{layer}' leads to the answers")


def copied(model: Any, names: Mapping[str, str] | None = None) -> Any:
    """Return a copy of a model whose layers hang in no other graph, some of them called otherwise."""
    import keras

    def copy(layer: Any) -> Any:
        name = (names or {}).get(layer.name, layer.name)
        return type(layer).from_config(layer.get_config() | {"name": name})

    other = keras.models.clone_model(model, clone_function=copy)
    other.set_weights(model.get_weights())
    return other
