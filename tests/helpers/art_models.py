"""Models as the Adversarial Robustness Toolbox takes them, with the same weights as ours."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from helpers.attack_pools import CLASSES


def art(module: str) -> Any:
    """Return a module of ART; it says at import that PyTorch is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(f"art.{module}")


def art_classifier(model: Any) -> Any:
    """Return ART's classifier of `toy_surrogate`, for images in [0, 1] and with logits."""
    import keras

    features, logits = (
        keras.layers.Dense(width, name=name) for name, width in (("features", 8), ("logits", 4))
    )
    features.activation = keras.activations.relu
    shape = model.input_shape[1:]
    same = keras.Sequential([keras.layers.Input(shape), keras.layers.Flatten(), features, logits])
    same.set_weights(model.get_weights())
    return art("estimators.classification").TensorFlowV2Classifier(
        model=same,
        nb_classes=len(CLASSES),
        input_shape=shape,
        loss_object=keras.losses.CategoricalCrossentropy(from_logits=True),
        clip_values=(0, 1),
    )
