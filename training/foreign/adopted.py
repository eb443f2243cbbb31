"""A foreign model in the form of ours: uint8 images in, layers `features` and `logits`, probabilities out.

Whatever works on a model of Boomerang's works on it then: checks, repairs, defenses. Models within the model
are laid flat, and a softmax that is part of the last layer becomes one of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from boomerang.errors import BadInput, ConfigError, UsageError, nearest
from training.architectures.common.base import FEATURES, LOGITS
from training.architectures.common.inside import made_of, through, ways_to_logits

# What becomes probabilities without another order of the classes.
_SQUASHING = {"softmax", "sigmoid"}
_WHITE = 255.0
_CHANNELS = (1, 3)
# What the layers around a foreign model are called.
_OURS = ("images", "pixels", "probabilities")
_LEAST_PROBABILITY = 1e-30
_LEAST_DEVIATION = 1e-7  # as Keras' Normalization has it
_DO = "give a model that takes one batch of images and gives a number for each class"


def is_ours(model: Any) -> bool:
    """Whether a model has the form that Boomerang saves: uint8 images, `features` and `logits`."""
    names = {layer.name for layer in model.layers}
    return {FEATURES, LOGITS} <= names and model.inputs[0].dtype == "uint8"


def white_of(model: Any) -> float | None:
    """Return what a white pixel is to a model, 255, where its own layers say it; None where they do not.

    They do where it takes uint8, begins with a `Rescaling` that makes 255 to 1 or to 2 (-1..1), or with a
    `Normalization` of numbers that vary more than those from -1 to 1 can.
    """
    images = model.inputs[0]
    if images.dtype == "uint8":
        return _WHITE
    first = _first_layer(model, images)
    if type(first).__name__ == "Rescaling" and np.isclose(np.max(first.scale) * _WHITE, (1, 2), 0.01).any():
        return _WHITE
    if type(first).__name__ == "Normalization" and np.max(np.asarray(first.variance)) > 1:
        return _WHITE
    return None


def _first_layer(model: Any, images: Any) -> Any:
    """Return the layer that alone is given the images, looked for in a model within the model too."""
    # A chain that was opened has been called several times.
    takers = [
        layer
        for layer in model.layers
        if any(each is images for node in layer._inbound_nodes for each in node.input_tensors)
    ]
    if len(takers) != 1:
        return None
    inner = takers[0]
    return _first_layer(inner, inner.inputs[0]) if hasattr(inner, "layers") else inner


def check_form(model: Any, what: str) -> None:
    """Refuse a model that is no classifier of images of one size, as a BadInput about `what`.

    Raises
    ------
    BadInput
        If it has not one input of (H, W, C), C 1 or 3, or not one output of two or more classes.
    """
    inputs, outputs = getattr(model, "inputs", None) or [], getattr(model, "outputs", None) or []
    if len(inputs) != 1 or len(outputs) != 1:
        raise BadInput(what, f"it has {len(inputs)} inputs and {len(outputs)} outputs", _DO)
    shape, answers = tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])
    if len(shape) != 3 or None in shape:
        raise BadInput(what, f"it takes {shape}, not images of one size (height, width, channels)", _DO)
    if shape[2] not in _CHANNELS:
        why = f"its images have {shape[2]} channels, {shape}; 1 or 3 can be shown, and come last"
        raise BadInput(what, why, _DO)
    if len(answers) != 1 or not isinstance(answers[0], int) or answers[0] < 2:
        raise BadInput(
            what, f"it answers with {answers}, not with a number for each of two classes or more", _DO
        )


def adopt(model: Any, white: float | None, what: str = "the model") -> Any:
    """Return a foreign model in the form of ours, a copy; one of that form as it is.

    Parameters
    ----------
    model : keras.Model
        One input of (H, W, C), one output of K numbers: logits, or probabilities of a softmax or of sigmoids.
    white : float or None
        What a white pixel is to it, 1 or 255; None where its layers say it (`white_of`).
    what : str
        What an error calls it.

    Returns
    -------
    keras.Model
        uint8[N, H, W, C] -> float32[N, K], the softmax of its layer `logits`.

    Raises
    ------
    BadInput
        See `check_form`.
    UsageError
        If `white` is not given and its layers do not say it, or say another.
    """
    import keras

    check_form(model, what)
    known = white_of(model)
    if known is None and white is None:
        why = "nothing in it says whether it takes pixels from 0 to 1 or from 0 to 255"
        raise UsageError(what, why, "give --scale 1 or --scale 255")
    if known is not None and white not in (None, known):
        raise UsageError(
            f"--scale {white:g}", f"{what} scales its images itself, from 0..{known:g}", "leave it out"
        )
    if is_ours(model):
        return model
    pixels = keras.layers.Rescaling((known or white or _WHITE) / _WHITE, name="pixels")
    return laid_flat(model, model.inputs[0].shape[1:], pixels)


def laid_flat(
    model: Any, shape: tuple[int, int, int], fed: Callable[[Any], Any], *, features: str = ""
) -> Any:
    """Return a model in the form of ours, a copy, whose images are fed to it in another form.

    Parameters
    ----------
    model : keras.Model
        See `check_form`.
    shape : (int, int, int)
        (H, W, C) of the images that the copy takes.
    fed : callable
        uint8[N, H, W, C] -> float32, what the model takes; both symbolic.
    features : str
        The layer that becomes `features`, which gives one vector an image; without one it is what the last
        dense layer is given, where the model ends in one.

    Raises
    ------
    ConfigError
        If there is no such layer.
    """
    import keras

    images, copies = keras.Input(shape, dtype="uint8", name="images"), _Copies(features)
    answers = through(model.inputs[0], fed(images), model.outputs[0], apply=copies)
    if features and copies.features is None:
        why = "it has no layer of this name that gives one vector an image"
        raise ConfigError(f"feature layer '{features}'", why, nearest(features, copies.vectors))
    logits = _logits(answers, images, marked=bool(features))
    return keras.Model(images, keras.layers.Softmax(name="probabilities")(logits))


class _Copies:
    """Copies of layers, each made once, with their weights; models among them are laid flat.

    No two have one name, and none that of a layer which the form of ours has. A `Normalization` becomes the
    `Rescaling` that does the same: Keras keeps what it normalizes by beside its weights, and no copy of a
    copy would have it.

    Attributes
    ----------
    features : layer or None
        The one that marks the layer of the given name, once that was called.
    vectors : list of str
        The layers so far that give one vector an image, by their own names.
    """

    def __init__(self, named: str = "") -> None:
        self.features: Any = None
        self.vectors: list[str] = []
        self._named = named
        self._copies: dict[int, Any] = {}
        self._names = {FEATURES, LOGITS, *_OURS}

    def __call__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        import keras

        if isinstance(layer, keras.Model) and len(layer.inputs) == 1:
            given = [through(layer.inputs[0], args[0], out, apply=self) for out in layer.outputs]
            return self._marked(layer.name, given if len(given) > 1 else given[0])
        if not isinstance(layer, keras.Layer):
            return layer(*args, **kwargs)
        if id(layer) in self._copies:
            return self._copies[id(layer)](*args, **kwargs)
        if isinstance(layer, keras.layers.Normalization):
            copy = self._copies[id(layer)] = _rescaling(layer, self._name(layer.name))
            return copy(*args, **kwargs)
        copy = type(layer).from_config(layer.get_config() | {"name": self._name(layer.name)})
        made = copy(*args, **kwargs)
        copy.set_weights(layer.get_weights())
        self._copies[id(layer)] = copy
        return self._marked(layer.name, made)

    def _marked(self, name: str, made: Any) -> Any:
        """Return what a layer gives, of the one of the given name through a layer `features`."""
        import keras

        if len(getattr(made, "shape", ())) != 2 or not made.dtype.startswith("float"):
            return made
        self.vectors.append(name)
        if name != self._named or self.features is not None:
            return made
        self.features = keras.layers.Activation("linear", name=FEATURES)
        return self.features(made)

    def _name(self, name: str) -> str:
        free = next(new for n in count(1) if (new := name if n == 1 else f"{name}_{n}") not in self._names)
        self._names.add(free)
        return free


def _rescaling(layer: Any, name: str) -> Any:
    """Return the `Rescaling` that does what a `Normalization` does, which has learned its numbers.

    Raises
    ------
    BadInput
        If they are not one for all, or one a channel.
    """
    import keras

    mean, deviation = (
        np.asarray(layer.mean),
        np.maximum(np.sqrt(np.asarray(layer.variance)), _LEAST_DEVIATION),
    )
    if layer.invert or mean.size not in (1, mean.shape[-1]):
        raise BadInput(f"its layer '{layer.name}'", "it normalizes other than by channel", _DO)
    scale = (1 / deviation).reshape(-1).tolist()
    return keras.layers.Rescaling(scale, (-mean / deviation).reshape(-1).tolist(), name=name)


def _peeled(answers: Any) -> tuple[Any, bool]:
    """Return what a last softmax is of, as far as it is a layer of its own, and whether there was one."""
    peeled = False
    while True:
        layer = answers._keras_history[0]
        kind = type(layer).__name__
        does = _activation(layer) if kind == "Activation" else kind.lower()
        if does not in {*_SQUASHING, "linear"} or layer.name == FEATURES:
            return answers, peeled
        peeled, answers = peeled or does != "linear", made_of(answers)[0]


def _activation(layer: Any) -> str:
    return str(getattr(layer.activation, "__name__", ""))


def _logits(answers: Any, images: Any, *, marked: bool) -> Any:
    """Return the layer `logits`, after `features` where the last layer is a dense one, if none is marked."""
    import keras

    inner, peeled = _peeled(answers)
    head = inner._keras_history[0]
    if isinstance(head, keras.layers.Dense) and (_activation(head) in {*_SQUASHING, "linear"}):
        features = made_of(inner)[0]
        if not marked:
            features = keras.layers.Activation("linear", name=FEATURES)(features)
        dense = type(head).from_config(head.get_config() | {"name": LOGITS, "activation": "linear"})
        logits = dense(features)
        dense.set_weights(head.get_weights())
        return logits
    if not peeled and _are_probabilities(keras.Model(images, inner)):
        inner = keras.ops.log(keras.ops.maximum(inner, _LEAST_PROBABILITY))
    return keras.layers.Activation("linear", name=LOGITS)(inner)


def _are_probabilities(model: Any) -> bool:
    """Whether what a model answers for noise are numbers from 0 to 1 whose sum is 1."""
    noise = np.random.default_rng(0).integers(0, 256, (8, *model.input_shape[1:]), np.uint8)
    answers = np.asarray(model(noise))
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3))


def no_gradient() -> BadInput:
    """Return the error about a model whose answers do not hang on its images smoothly."""
    why = "no gradient leads from its answers to its images: something in it rounds them"
    return BadInput("the model", why, "inspect the network without the defense around it")


def logits_of(model: Any) -> Callable[[Any], Any]:
    """Return a function of float images, 0..1, with a gradient: float32[N, H, W, C] -> float32[N, K], logits.

    Parameters
    ----------
    model : keras.Model
        In the form of ours. Its input of whole numbers, which has no gradient, is passed by.
    """
    import tensorflow as tf

    end = ways_to_logits(model)[LOGITS]
    return lambda x: tf.cast(through(model.inputs[0], x * _WHITE, end), tf.float32)
