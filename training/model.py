"""Models: how they are saved, opened and asked.

A model takes uint8 images as they are stored; scaling is its first layer, so that nobody can feed
it the wrong range. The layer named `features` is the penultimate one, which the screens look at.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import Spec
from boomerang.digest import digest_json, sha256_bytes, sha256_file
from boomerang.errors import BadInput, ConfigError, IntegrityError, nearest
from boomerang.formats.model import (
    CARD_FILE,
    MODEL_FILE,
    ModelCard,
    Record,
    open_record,
    verified,
    write_record,
)
from boomerang.manifest import Calls, Images
from boomerang.safeio import load_keras_model, read_keras_graph, write_json_atomic
from training.architectures.common.base import FEATURES, LOGITS
from training.architectures.common.batches import BATCH, batch_of, batches
from training.architectures.common.inside import (
    Change,
    Floats,
    Pooled,
    pooled_of,
    through,
    usual_layers,
    ways_to_logits,
)
from training.architectures.common.norms import last_norms, norms
from training.architectures.common.slopes import Slopes, convolutions_of, slopes_of
from training.inference import INFERENCE
from training.inference.common import ranks
from training.learning.climbing import Ball, Norm, climbed, hardest, on_floats
from training.learning.mirror import plain

__all__ = [
    "BATCH",
    "FEATURES",
    "LOGITS",
    "NO_ANSWER",
    "Ask",
    "Ball",
    "Change",
    "Floats",
    "ModelCard",
    "ModelView",
    "Norm",
    "Pooled",
    "batch_of",
    "batches",
    "calls_of",
    "classifier",
    "climbed",
    "embedder",
    "hardest",
    "last_norms",
    "load_model",
    "may_refuse",
    "model_digest",
    "norms",
    "on_floats",
    "pooled_of",
    "ranks",
    "save_model",
    "slopes_of",
    "through",
    "usual_layers",
    "weights_digest",
]

# What `calls_of` says where a model has none.
NO_ANSWER = -1

Ask = Callable[[Images], Floats]


def weights_digest(model: Any) -> str:
    """Return the sha256 over the shape, dtype and bytes of every weight, in the model's order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def model_digest(model: Any, file: Path) -> str:
    """Return the digest by which a saved model is known, `weights_sha256` in its card.

    Of a plain chain of layers it is that of its weights: the same for two trainings that ended in the same
    place. Any other graph counts too, so a model and the same one wrapped do not pass for each other.

    Parameters
    ----------
    model : keras.Model
        As it is in the file.
    file : Path
        The `.keras` file that `save_model` wrote.
    """
    from keras import Sequential

    weights = weights_digest(model)
    if type(model) is Sequential:
        return weights
    return digest_json([weights, sha256_bytes(read_keras_graph(file))])


def save_model(model: Any, folder: Path, record: Record | None = None, **card: Any) -> ModelCard:
    """Write `model.keras`, the record and the card into a folder; the card, written last, commits them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / MODEL_FILE
    model.save(file)
    _normalize(file)
    full = ModelCard(
        parameters=model.count_params(),
        weights_sha256=model_digest(model, file),
        file_sha256=sha256_file(file),
        record_sha256=None if record is None else write_record(folder, record),
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

    It may name layers of Keras, and of the inference-time defenses that its card names.

    Raises
    ------
    BadInput
        If there is no model, or Keras refuses it.
    IntegrityError
        If it is not, to the byte, what its card describes; or the card says another digest than it has.
    """
    with verified(folder) as (file, card):
        model = load_keras_model(file, sha256=card.file_sha256, custom_objects=_layers_of_ours(card))
        digest = model_digest(model, file)
    if digest != card.weights_sha256:
        why = f"{CARD_FILE} says its digest is {card.weights_sha256}, it is {digest}"
        raise IntegrityError(f"{folder} is not what was made", why, "run the training that makes it again")
    return model, card


def _layers_of_ours(card: ModelCard) -> dict[str, Any]:
    """Return the layers of the defenses that a card names; ConfigError if it names one that is unknown."""
    objects: dict[str, Any] = {}
    for part in card.inference:
        objects |= INFERENCE.create(
            Spec(**part.settings | {"kind": part.kind}), f"{CARD_FILE}: inference"
        ).custom_objects()
    return objects


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

    batch = batch_of(model)

    def ask(x: Images) -> Floats:
        out = np.empty((len(x), *model.output_shape[1:]), np.float32)
        for part, images in batches(x, batch):
            out[part] = forward(images).numpy()
        return out

    return ask


def calls_of(answers: Floats) -> Calls:
    """Return int64[N], the most likely class by float32[N, K]; NO_ANSWER where an answer is not finite.

    A model that answers NaN is wrong everywhere: the largest of several NaN is the first, and without this
    such a model would be right about every row of the first class.
    """
    calls = np.asarray(answers.argmax(axis=1), np.int64)
    return np.where(np.isfinite(answers).all(axis=1), calls, NO_ANSWER)


def may_refuse(card: ModelCard) -> bool:
    """Return whether a model is wrapped in what refuses rows: then NO_ANSWER is one of its answers."""
    return any(INFERENCE[part.kind].refuses for part in card.inference)


class ModelView:
    """A model that is opened when it is first asked: a detector's victim, an attacker's surrogate.

    Whoever asks nothing of it pays for no TensorFlow. The first question raises what `load_model` raises.

    Parameters
    ----------
    folder : Path
        It holds the model, see `load_model`.
    shape : tuple of int, optional
        (H, W, C) of the images that it will be asked about: a model that takes others is a BadInput.
    what : str
        What it is called then.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, ...] | None = None, what: str = "the victim model"
    ) -> None:
        self._folder, self._shape, self._what = folder, shape, what

    @cached_property
    def _opened(self) -> tuple[Any, ModelCard]:
        model, card = load_model(self._folder)
        if self._shape is not None and card.input_shape != tuple(self._shape):
            why = f"it takes images {card.input_shape}, the rows are {tuple(self._shape)}"
            raise BadInput(self._what, why, "give the model that was trained on this data")
        return model, card

    @property
    def model(self) -> Any:
        """The keras.Model itself."""
        return self._opened[0]

    @cached_property
    def network(self) -> Any:
        """The network without its mirror: half the work where the model answers for mirrored images too."""
        return plain(self.model)

    @property
    def card(self) -> ModelCard:
        """What stands beside its weights."""
        return self._opened[1]

    @cached_property
    def record(self) -> Record | None:
        """What its training saw of each row; None where the training kept no record."""
        _ = self.card  # opened in any case: it is checked, and `digest` names it
        return open_record(self._folder)

    @property
    def digest(self) -> str | None:
        """The digest by which it is known; None until it was asked something."""
        return self.card.weights_sha256 if "_opened" in vars(self) else None

    @cached_property
    def _embed(self) -> Ask:
        return embedder(self.model)

    @cached_property
    def _answer(self) -> Ask:
        return classifier(self.model)

    def embed(self, x: Images) -> Floats:
        """Return float32[N, D], the penultimate layer for uint8[N, H, W, C]."""
        return self._embed(x)

    def answer(self, x: Images) -> Floats:
        """Return float32[N, K], class probabilities for uint8[N, H, W, C]."""
        return self._answer(x)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that `slopes` can be asked for, in order: those before `logits` with float output."""
        return tuple(name for name in _floats(self.model) if name != LOGITS)

    @property
    def convolutions(self) -> tuple[str, ...]:
        """The convolutional layers, in order; see `convolutions_of`."""
        return convolutions_of(self.model)

    def slopes(self, layers: Sequence[str]) -> Slopes:
        """Return a function uint8[N, H, W, C], int64[N] -> a float32[N, D] for each layer; see `slopes_of`.

        Raises
        ------
        ConfigError
            If it cannot be asked for one of the layers, with the nearest one.
        """
        self._check(layers, self.layers)
        return slopes_of(self.model, layers)

    def pooled(self, layers: Sequence[str]) -> Pooled:
        """Return a function uint8[N, H, W, C] -> batches of float32[n, D] a layer; see `pooled_of`.

        They are layers of `network`: of a model that answers for mirrored images too, one way alone.

        Raises
        ------
        ConfigError
            If it cannot be asked for one of the layers, with the nearest one.
        """
        self._check(layers, _floats(self.network))
        return pooled_of(self.network, layers)

    def _check(self, layers: Sequence[str], known: Sequence[str]) -> None:
        for layer in layers:
            if layer not in known:
                raise ConfigError(f"layer '{layer}'", f"{self._what} has none", nearest(layer, known))


def _floats(model: Any) -> tuple[str, ...]:
    """Return the layers on the way to `logits`, and that itself, whose output is of floats; in order."""
    return tuple(name for name, out in ways_to_logits(model).items() if out.dtype.startswith("float"))
