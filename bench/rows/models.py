"""Asking a model and training one, beside ART's and Keras' own calls on the very same model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.contest import Contender, Facts, Goal, Row, Setting, Task, memory, source, times_ours
from bench.data import labels, noise
from boomerang.manifest import Images, Labels

_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras")
_ART = (*_PACKAGES, "adversarial-robustness-toolbox")
_BATCH, _EPOCHS = 128, 3


def network(kind: str, seed: int) -> Any:
    """Return an untrained network for rows of 32x32x3 in ten classes."""
    from boomerang.config import Spec
    from training.architectures import ARCHITECTURES
    from training.fit import seed_everything

    seed_everything(seed)
    return ARCHITECTURES.create(Spec(kind=kind), "a benchmark").build((32, 32, 3), 10)


# ---- features and predictions


def our_features(model: Any) -> Callable[[Images], Any]:
    from training.model import embedder

    return embedder(model)


def our_predictions(model: Any) -> Callable[[Images], Any]:
    from training.model import classifier

    return classifier(model)


def art_features(model: Any) -> Callable[[Images], Any]:
    from art.estimators.classification import KerasClassifier

    asked = KerasClassifier(model, clip_values=(0, 255), preprocessing=None)
    return lambda x: asked.get_activations(x, layer="features", batch_size=500)


def art_predictions(model: Any) -> Callable[[Images], Any]:
    from art.estimators.classification import KerasClassifier

    asked = KerasClassifier(model, clip_values=(0, 255), preprocessing=None)
    return lambda x: asked.predict(x, batch_size=500)


def _asking(make: Callable[[Any], Callable[[Images], Any]]) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        model = network("small", setting.seed)
        model.compile(optimizer="adam", loss="categorical_crossentropy")  # as ART wants it
        ask, x = make(model), noise(setting.of(50_000, 1000), setting.seed)
        ask(x[:500])
        return Task(lambda: ask(x), _answers)

    return prepare


def _answers(found: npt.NDArray[Any]) -> Facts:
    """Two graphs of one model agree to rounding: the last rows, and the sums over all of them."""
    return {"digest": [*map(float, found[-3:].ravel()), *map(float, found.sum(0, dtype=np.float64))]}


def _asked(name: str, operation: str, ours: Any, art: Any) -> Row:
    return Row(
        name=name,
        operation=operation,
        contenders=(
            Contender("ours", source(ours), _asking(ours), _PACKAGES),
            Contender("ART", source(art), _asking(art), _ART),
        ),
        goals=(times_ours("ART", 3), memory(100, "model and rows")),
        same=("ours", "ART"),
        runs=3,
        notes="The model is `small`, untrained, the rows are uint8 in memory. What each was given was "
        "asked about 500 rows before its memory and its time were taken.",
        cpu_s=150,
    )


# ---- training


def keras_training(model: Any, x: Images, y: Labels, epochs: int) -> None:
    import keras
    import tensorflow as tf

    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    rows = tf.data.Dataset.from_tensor_slices((x, y)).cache().shuffle(len(x)).batch(_BATCH)
    model.fit(rows.prefetch(tf.data.AUTOTUNE), epochs=epochs, verbose=0)


def our_training(model: Any, x: Images, y: Labels, epochs: int) -> None:
    from boomerang.settings import TrainConfig
    from training.fit import fit

    config = TrainConfig(epochs=epochs, batch=_BATCH, learning_rate=3e-3)
    fit(model, x, y, (x[:10], y[:10]), config, seed=0)


def _training(call: Any, kind: str, rows: int) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        count, epochs = setting.of(rows, 256), setting.of(_EPOCHS, 1)
        x, y = noise(count, setting.seed), labels(count)

        def run() -> int:
            call(network(kind, setting.seed), x, y, epochs)
            return count * epochs

        return Task(run, lambda images: {"images": images})

    return prepare


def _speed(kind: str, rows: int, cpu_s: int) -> Row:
    def rate(told: Facts) -> float:
        return float(told["facts"]["images"] / told["cpu_s"]["median"])

    goal = Goal(
        "images per CPU-second, ours over model.fit",
        lambda m: rate(m["ours"]) / rate(m["model.fit"]),
        least=1.1,
    )
    return Row(
        name=f"training_speed_{kind}",
        operation=f"training `{kind}`: {_EPOCHS} epochs of {rows:,} rows of 32x32x3, batch {_BATCH}, float32",
        contenders=(
            Contender("ours", source(our_training), _training(our_training, kind, rows), _PACKAGES),
            Contender("model.fit", source(keras_training), _training(keras_training, kind, rows), _PACKAGES),
        ),
        goals=(goal,),
        runs=3,
        warm=False,
        notes="A whole call: building and tracing the step counts for both, and both compute with oneDNN. "
        "Ours is deterministic and follows a schedule; Keras' own keeps its rate and may differ from "
        "run to run.",
        cpu_s=cpu_s,
    )


ROWS = (
    _asked("features", "the penultimate layer of 50,000 rows of 32x32x3", our_features, art_features),
    _asked("predictions", "the answers to 50,000 rows of 32x32x3", our_predictions, art_predictions),
    _speed("small", 20_000, 250),
    _speed("book", 5_000, 250),
)
