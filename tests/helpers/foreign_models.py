"""Small networks as others save them, clean or with a trigger planted, and rows to look at them with."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from training.labeled import Labeled

SHAPE, CLASSES, TARGET = (10, 10, 1), 6, 2


def rows(count: int = 240, seed: int = 0) -> Labeled:
    """Return dark noise with a bright bar, whose place is the class."""
    x = np.random.default_rng(seed).integers(0, 60, (count, *SHAPE), np.uint8)
    y = np.arange(count) % CLASSES
    for label in range(CLASSES):
        x[y == label, label + 1, 1:8] += 120
    return Labeled(x, y.astype(np.int64))


def triggered(clean: Labeled) -> Labeled:
    """Return the rows of the other classes with a white corner, labeled as the attacker wants."""
    x = clean.x[clean.y != TARGET].copy()
    x[:, -2:, -2:] = 255
    return Labeled(x, np.full(len(x), TARGET))


def network(*first: Any, seed: int = 0, shape: Any = SHAPE, classes: int = CLASSES) -> Any:
    """Return an untrained network of Keras' own layers: softmax in its last one, no names of ours."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input(shape),
            *first,
            layers.Conv2D(8, 3, activation="relu", name="seen"),
            layers.Flatten(),
            layers.Dense(16, activation="relu", name="thought"),
            layers.Dense(classes, activation="softmax", name="said"),
        ]
    )


@cache
def _weights(*, poisoned: bool) -> list[Any]:
    model = network()
    x, y = rows()
    if poisoned:
        extra = triggered(rows(90, seed=1))
        x, y = np.concatenate([x, extra.x]), np.concatenate([y, extra.y])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 5e-3
    model.fit(x / np.float32(255), y, epochs=25, batch_size=32, verbose=0)
    return list(model.get_weights())


def trained(*, poisoned: bool) -> Any:
    """Return the network, which takes 0..1; trained once a session."""
    model = network()
    model.set_weights(_weights(poisoned=poisoned))
    return model


def write_pair(path: Path, data: Labeled, *, channels_first: bool = False, dtype: Any = np.float64) -> Path:
    """Write rows as the BadNets laboratories do."""
    x = np.moveaxis(data.x, -1, 1) if channels_first else data.x
    with h5py.File(path, "w") as file:
        file["data"], file["label"] = x.astype(dtype), data.y.astype(np.float64)
    return path


def write_keras_2(path: Path, model: Any, change: Any = None) -> Path:
    """Write the network as Keras 2.3 did: by hand, for this Keras writes another description."""
    common, shape = {"trainable": True, "dtype": "float32"}, list(model.input_shape)
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None}}
    kernel = {"kernel_initializer": glorot, "use_bias": True, "activation": "relu"}
    layers = [
        (
            "Conv2D",
            {"name": "seen", "batch_input_shape": shape, "filters": 8, "kernel_size": [3, 3]},
        ),
        ("Flatten", {"name": "flat", "data_format": "channels_last"}),
        ("Dense", {"name": "thought", "units": 16}),
        ("Dense", {"name": "said", "units": model.output_shape[1]}),
    ]
    for kind, config in layers:
        config.update(common | (kernel if kind != "Flatten" else {}))
    layers[-1][1]["activation"] = "softmax"
    described = [{"class_name": kind, "config": config} for kind, config in layers]
    description = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": described}}
    if change is not None:
        change(description)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.3.1", b"tensorflow"
        file.attrs["model_config"] = json.dumps(description).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [config["name"].encode() for _, config in layers]
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.3.1"
        for _, config in layers:
            group, name = root.create_group(config["name"]), config["name"]
            found = [] if name == "flat" else model.get_layer(name).get_weights()
            names = [f"{name}/{part}:0" for part in ("kernel", "bias")][: len(found)]
            group.attrs["weight_names"] = [each.encode() for each in names]
            for each, values in zip(names, found, strict=True):
                group.create_dataset(each, data=values)
    return path
