"""Weights that others published, given to a network of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boomerang.errors import BadInput
from boomerang.safeio import display_name, load_h5_weights


def give_weights(model: Any, file: Path, names: Mapping[str, str]) -> None:
    """Give a model the weights of a `.h5` file, layer by layer, all of them or none.

    Parameters
    ----------
    model : keras.Model
        Each of its layers that has weights is in the file.
    file : Path
        As Keras 2 wrote it, see `boomerang.safeio.load_h5_weights`. Layers that the model does not have
        are not allowed to be there either.
    names : mapping of str to str
        What a layer is called in the file, by its name in the model, where the two differ.

    Raises
    ------
    BadInput
        If the file cannot be read, or is of another network.
    """
    stored = load_h5_weights(file)
    todo = {names.get(layer.name, layer.name): layer for layer in model.layers if layer.weights}
    if strange := sorted(stored.keys() ^ todo.keys()):
        side = "the file has no" if strange[0] in todo else "the network has no"
        raise _other(file, f"{side} layer '{display_name(strange[0])}' with weights")
    for name, layer in todo.items():
        wanted = {weight.name: tuple(weight.shape) for weight in layer.weights}
        found = {key: array.shape for key, array in stored[name].items()}
        if wanted != found:
            raise _other(file, f"layer '{name}' has {found} there, the network wants {wanted}")
    for name, layer in todo.items():
        layer.set_weights([stored[name][weight.name] for weight in layer.weights])


def _other(file: Path, why: str) -> BadInput:
    do = "build the network for the images and classes of the published one, without batch norms"
    return BadInput(display_name(file), why, do)
