"""The classifiers, and how they are saved, opened and asked.

A model takes uint8 images as they are stored; scaling is its first layer, so that nobody can feed
it the wrong range. The layer named `features` is the penultimate one, which the screens look at.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.contract import CARD_FILE, MODEL_FILE
from boomerang.digest import sha256_file
from boomerang.errors import BadInput
from boomerang.manifest import Images
from boomerang.safeio import extract_tar, load_json, load_keras_model, write_json_atomic

FEATURES = "features"

BATCH = 500

Floats = npt.NDArray[np.float32]
Ask = Callable[[Images], Floats]


class ModelCard(Strict):
    """What stands beside the weights.

    Attributes
    ----------
    weights_sha256 : str
        Over the weights alone; the same for two trainings that ended in the same place.
    file_sha256 : str
        Of `model.keras`, checked before it is opened.
    parents : mapping of str to str
        Digest of everything that it was made from, by the name of the job's input: of a committed folder
        the manifest's, of a model that of its weights.
    history : mapping of str to tuple of float
        Loss and accuracy of each epoch, on the training and the validation rows.
    """

    architecture: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    parameters: int = Field(gt=0)
    seed: int
    parents: dict[str, str]
    rows: int
    weights_sha256: str
    file_sha256: str
    history: dict[str, tuple[float, ...]]


def small_cnn(input_shape: tuple[int, int, int], classes: int) -> Any:
    """Return a CNN that trains in seconds on two cores, untrained.

    Strides instead of pooling: a third of the time of the pooled net of the same width. The batch
    norms forget fast because a run on 10,000 rows has only a few hundred steps.
    """
    from keras import Sequential, layers

    def block(filters: int) -> list[Any]:
        convolution = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)
        return [convolution, layers.BatchNormalization(momentum=0.9), layers.ReLU()]

    return Sequential(
        [
            layers.Input(input_shape, dtype="uint8"),
            layers.Rescaling(1 / 255),
            *block(32),
            *block(64),
            *block(96),
            layers.Flatten(),
            layers.Dense(96, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(name=FEATURES),
            layers.Dense(classes, name="logits"),
            layers.Softmax(),
        ]
    )


def book_cnn(input_shape: tuple[int, int, int], classes: int) -> Any:
    """Return the CNN of the book's chapter 4, untrained; 552,874 parameters on 32x32x3."""
    from keras import Sequential, layers

    def block(filters: int, dropout: float) -> list[Any]:
        pair: list[Any] = []
        for _ in range(2):
            pair += [
                layers.Conv2D(filters, 3, padding="same", activation="relu"),
                layers.BatchNormalization(),
            ]
        return [*pair, layers.MaxPooling2D(), layers.Dropout(dropout)]

    return Sequential(
        [
            layers.Input(input_shape, dtype="uint8"),
            layers.Rescaling(1 / 255),
            *block(32, 0.3),
            *block(64, 0.5),
            *block(128, 0.5),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.BatchNormalization(name=FEATURES),
            layers.Dropout(0.5),
            layers.Dense(classes, name="logits"),
            layers.Softmax(),
        ]
    )


ARCHITECTURES: dict[str, Callable[[tuple[int, int, int], int], Any]] = {"small": small_cnn, "book": book_cnn}


def weights_digest(model: Any) -> str:
    """Return the sha256 over the shape, dtype and bytes of every weight, in the model's order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def save_model(model: Any, folder: Path, **card: Any) -> ModelCard:
    """Write `model.keras` and its card into a folder; the card, written last, commits the pair."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / MODEL_FILE)
    _normalize(folder / MODEL_FILE)
    full = ModelCard(
        parameters=model.count_params(),
        weights_sha256=weights_digest(model),
        file_sha256=sha256_file(folder / MODEL_FILE),
        **card,
    )
    write_json_atomic(folder / CARD_FILE, full.model_dump(mode="json"))
    return full


def _normalize(path: Path) -> None:
    """Make a `.keras` archive depend on the model alone, so that the same model has the same digest.

    Keras writes the time into it, and memory addresses as the ids of shared objects.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    about = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    config = json.loads(members["config.json"])
    _renumber(config, {})
    members |= {"metadata.json": json.dumps(about).encode(), "config.json": json.dumps(config).encode()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def _renumber(node: Any, numbers: dict[int, int]) -> None:
    """Replace each `shared_object_id` by the order in which it first appears."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _renumber(child, numbers)
    if isinstance(node, dict) and isinstance(node.get("shared_object_id"), int):
        node["shared_object_id"] = numbers.setdefault(node["shared_object_id"], len(numbers))


def load_model(folder: Path) -> tuple[Any, ModelCard]:
    """Open the model of a folder that holds a saved pair, or `model.tar.gz` of one.

    Raises
    ------
    BadInput
        If there is neither, or the archive or the model is refused.
    IntegrityError
        If `model.keras` is not the file that its card describes.
    """
    archive = folder / "model.tar.gz"
    if not archive.exists():
        return _load_pair(folder)
    with tempfile.TemporaryDirectory() as scratch:
        extract_tar(archive, Path(scratch))
        return _load_pair(Path(scratch))


def _load_pair(folder: Path) -> tuple[Any, ModelCard]:
    if not (folder / CARD_FILE).exists():
        raise BadInput(
            f"no model in {folder}", f"{CARD_FILE} is missing", "give the output of a training step"
        )
    card = validate(ModelCard, load_json(folder / CARD_FILE), where=CARD_FILE)
    return load_keras_model(folder / MODEL_FILE, sha256=card.file_sha256), card


def classifier(model: Any) -> Ask:
    """Return a function uint8[N, H, W, C] -> float32[N, K], class probabilities.

    The graph is traced once, here: ask one function many times, do not make many.
    """
    return _in_batches(model)


def embedder(model: Any) -> Ask:
    """Return a function uint8[N, H, W, C] -> float32[N, D], the output of the penultimate layer."""
    from keras import Model

    return _in_batches(Model(model.inputs, model.get_layer(FEATURES).output))


def _in_batches(model: Any) -> Ask:
    import tensorflow as tf

    # Any batch length is one and the same graph: without the signature the last, shorter batch
    # would be traced again.
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8)]
    forward = tf.function(lambda images: model(images, training=False), input_signature=signature)

    def ask(x: Images) -> Floats:
        out = [forward(np.ascontiguousarray(x[i : i + BATCH])).numpy() for i in range(0, len(x), BATCH)]
        return np.concatenate(out) if out else np.zeros((0, *model.output_shape[1:]), np.float32)

    return ask
