"""Channels of convolutions: which batch norm follows, how one is cut, and a model that learns without it.

A channel that is cut gives zero, in training as at inference: its kernel and bias are zero, and where a batch
norm follows, that one's scale, shift and moving mean. Where it has no scale (as in the network `fast`) it
gives zero all the same, for zero is what it normalizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from boomerang.errors import ConfigError, nearest
from boomerang.manifest import Bools
from training.architectures.common.inside import made_of, through, ways_to_logits
from training.repair.common.bench import Bench

# By the name of a convolution bool[C], its channels that are cut.
Cuts = Mapping[str, Bools]


def norms_of(model: Any) -> dict[str, str | None]:
    """Return the convolutions that `logits` comes after, and by each the batch norm that follows it.

    It follows where nothing stands between the two but layers that leave the channels apart: an activation,
    pooling, dropout.

    Parameters
    ----------
    model : keras.Model
        With a layer named `logits`.

    Returns
    -------
    dict of str to (str or None)
        By the name of a `Conv2D`, from the images on: the one with the longest way behind it comes last. None
        where no batch norm follows.
    """
    from keras import layers

    activations = (layers.ReLU, layers.LeakyReLU, layers.Activation)
    apart = (*activations, layers.Dropout, layers.MaxPooling2D, layers.AveragePooling2D)
    tensors = ways_to_logits(model)
    found: dict[str, str | None] = {
        name: None for name in _by_depth(tensors) if type(_made_by(tensors[name])) is layers.Conv2D
    }
    for name, tensor in tensors.items():
        if isinstance(_made_by(tensor), layers.BatchNormalization):
            (before,) = made_of(tensor)
            while isinstance(_made_by(before), apart):
                (before,) = made_of(before)
            if _made_by(before).name in found:
                found[_made_by(before).name] = name
    return found


def pairs_of(model: Any, what: str) -> dict[str, str]:
    """Return `norms_of` for those convolutions that a batch norm follows.

    Raises
    ------
    ConfigError
        If there is none; `what` is the repair that needs one.
    """
    pairs = {name: norm for name, norm in norms_of(model).items() if norm is not None}
    if not pairs:
        do = "take another repair, or a network with batch norms"
        raise ConfigError(f"the repair '{what}'", "no batch norm follows a convolution of the network", do)
    return pairs


def _made_by(tensor: Any) -> Any:
    """Return the layer that a symbolic tensor comes out of."""
    return tensor._keras_history[0]


def _by_depth(tensors: Mapping[str, Any]) -> list[str]:
    """Return the layers by how many there are on the longest way to each."""
    depth: dict[str, int] = {}
    for name, tensor in tensors.items():  # what it was made of comes before it
        depth[name] = 1 + max((depth[_made_by(each).name] for each in made_of(tensor)), default=0)
    return sorted(tensors, key=depth.__getitem__)


def convolution(model: Any, layer: str) -> tuple[str, str | None]:
    """Return a convolution and the batch norm that follows it.

    Parameters
    ----------
    model : keras.Model
    layer : str
        Its name; empty is the last one before `features`.

    Raises
    ------
    ConfigError
        If there is none, or none of this name, with the nearest one.
    """
    norms = norms_of(model)
    if not norms:
        do = "take another repair, or another architecture"
        raise ConfigError("cutting channels", "the network has no convolution", do)
    name = layer or list(norms)[-1]
    if name not in norms:
        raise ConfigError(f"layer '{layer}'", "the network has no such convolution", nearest(layer, norms))
    return name, norms[name]


def cut(model: Any, cuts: Cuts, *, shifts: bool = True) -> None:
    """Cut channels of a model, in place.

    Parameters
    ----------
    model : keras.Model
        One that answers for mirrored images too may have another's cuts: the layers are called the same.
    cuts : mapping of str to bool[C]
    shifts : bool
        Whether the shifts of batch norms are cut too. Otherwise they are what a channel gives from then on.
    """
    norms, kept = norms_of(model), {"moving_variance"} | (set() if shifts else {"beta"})
    for name, channels in cuts.items():
        layers = [model.get_layer(each) for each in (name, norms[name]) if each is not None]
        for variable in (variable for layer in layers for variable in layer.variables):
            if variable.name not in kept and variable.shape[-1:] == channels.shape:
                variable.assign(np.where(channels, 0, np.asarray(variable)))


def tell(bench: Bench, cuts: Cuts, **more: Any) -> None:
    """Log and note which channels a repair has cut, and what else it has to say."""
    channels = {name: np.flatnonzero(each).tolist() for name, each in cuts.items() if each.any()}
    count = sum(map(len, channels.values()))
    bench.say(f"{count} channels cut")
    bench.note(channels_cut=count, **more, channels=channels)


def masked(model: Any, cuts: Cuts) -> Any:
    """Return a model of the same variables in which what cut channels give is multiplied by zero.

    So no gradient reaches their weights, and those that are cut already stay zero, whatever is trained:
    neither weight decay nor the statistics of a batch move what is zero.
    """
    import keras

    norms = norms_of(model)
    masks = {}
    for name, channels in cuts.items():
        end = norms[name] or name
        masks[end] = keras.layers.Rescaling(np.where(channels, 0.0, 1.0).tolist(), name=f"mask_{end}")

    def change(name: str, out: Any) -> Any:
        return masks[name](out) if name in masks else out

    images = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    return keras.Model(images, through(model.inputs[0], images, model.outputs[0], change))
