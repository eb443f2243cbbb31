"""Small networks that learn to give an image back, and how well they do for others.

What such a network has learned lies near what it can give back; what is unlike it, or has the wrong label,
costs more. A row is never asked of a network that has learned it: the rows to learn from are dealt into
folds, and so are the rows to be asked, so that each of either is asked of one network, which has learned the
other folds.
"""

from __future__ import annotations

from math import ceil, log2, prod, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go, slices
from boomerang.manifest import Images, Labels, Rows
from processing.defenses.common.base import Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    NO_TRUSTED_ROW,
    Calibration,
    calibrated,
    flag_beyond,
    notes_of,
    unjudged_words,
)
from processing.defenses.common.estimators import fold_numbers
from processing.defenses.common.two_gaussians import upper_of_two
from training.model import batch_of

Learn = Literal["trusted", "suspect"]
Rule = Literal["trusted", "guarded", "paper"]
Shape = Literal["code", "flat", "pooled"]

_FOLDS = 3
_BATCH = 32
_RATE = 3e-3
_NOISE = 0.1
_CODE = 32
_SMALLEST_PX = 8
_FILTERS = 8
_ALONE = "no other row of the class is left to learn from"


class Errors(NamedTuple):
    """How far what a network gives back is from rows; NaN for a row that no network could be asked about.

    Attributes
    ----------
    absolute, squared : float64[N], 0..1
        The mean of |x - x'| and of (x - x')² over the pixels, scaled to 0..1.
    entropy : float64[N]
        The cross-entropy of the row's label, in nats; 0 of a network without a classifier.
    """

    absolute: Scores
    squared: Scores
    entropy: Scores


def cross_errors(
    suspect: Suspect, learn: Learn, shape: Shape, steps: int, classifier: bool = False
) -> tuple[Errors, Errors]:
    """Return the errors of the suspect and of the trusted rows, each by a network that has not learned it.

    A row of a class of which its network has learned no row is NaN.

    Parameters
    ----------
    suspect : Suspect
        Of suspect rows those that are `left` are learned from.
    learn : str
        From which rows: `trusted` or `suspect`.
    shape : str
        See `Network`.
    steps : int
        Of each of the three trainings.
    classifier : bool
        Whether the network tells classes as well.
    """
    sets = (suspect.x, suspect.y), (suspect.trusted_x, suspect.trusted_y)
    folds = [fold_numbers(y, _FOLDS, suspect.seed) for _, y in sets]
    errors = [np.full((3, len(y)), np.nan) for _, y in sets]
    source = 1 if learn == "trusted" else 0
    x, y = sets[source]
    taught = np.ones(len(y), bool) if learn == "trusted" else suspect.left
    network = Network(x.shape[1:], shape, len(suspect.classes) if classifier else 0)
    for number in range(_FOLDS):
        rows = np.flatnonzero(taught & (folds[source] != number))
        if not len(rows):
            continue
        network.learn(x, y, rows, steps, np.random.default_rng([suspect.seed, number]))
        known = np.unique(y[rows])
        for (images, labels), fold, out in zip(sets, folds, errors, strict=True):
            asked = np.flatnonzero((fold == number) & np.isin(labels, known))
            out[:, asked] = network.errors(images, labels, asked)
    return Errors(*errors[0]), Errors(*errors[1])


def in_units(suspect: Suspect, ours: Scores, trusted: Scores) -> tuple[Scores, Scores]:
    """Return errors of suspect and of trusted rows divided by the root mean square of the suspect ones.

    Razmi & Xiong's norm, for any number of rows; of the rows that are left and judged. NaN stays NaN.
    """
    known = ours[suspect.left & np.isfinite(ours)]
    unit = float(np.sqrt((known**2).mean())) if len(known) else 1.0
    return ours / (unit or 1.0), trusted / (unit or 1.0)


def scored_by(suspect: Suspect, learn: Learn, ours: Scores, trusted: Scores) -> Scored[Calibration]:
    """Return scores, NaN where a row is not judged, with what decides on them."""
    why = dict.fromkeys(
        np.unique(suspect.y[np.isnan(ours)]).tolist(), _ALONE if learn == "suspect" else NO_TRUSTED_ROW
    )
    return calibrated(suspect, ours, trusted, why, {"learn": learn})


def decided(scored: Scored[Calibration], rule: Rule, max_fpr: float) -> Finding:
    """Flag what scores higher than trusted rows do, or the higher of two normal distributions.

    Those are of the scores of all classes whose rows are judged; `guarded` as in `upper_of_two`.
    """
    if rule == "trusted":
        return flag_beyond(scored, max_fpr)
    state, flagged = scored.state, np.zeros(len(scored.scores), bool)
    judged = np.array([name not in state.unjudged for name in state.classes])[state.y]
    flagged[judged], mixture = upper_of_two(scored.scores[judged], guard=rule == "guarded")
    notes = {"rule": rule, "mixture": mixture, **notes_of(state, flagged)}
    return Finding(scored.scores, flagged, None, notes, unjudged_words(state))


class Network:
    """One network, which learns anew as often as it is asked to.

    Parameters
    ----------
    image : (H, W, C)
    shape : str
        `code`: convolutions of stride 2 down to 8 pixels a side or fewer, a code of 32 numbers, and the same
        way back. `flat` and `pooled` are MagNet's two (Meng & Chen 2017, table 3) of three filters a layer,
        at full size and with a pooling; they learn from images with noise.
    classes : int
        0 for no classifier; else one goes out from the code.
    """

    def __init__(self, image: tuple[int, ...], shape: Shape, classes: int = 0) -> None:
        import keras

        images = keras.Input(image)
        code, given_back = _coded(images) if shape == "code" else _convolved(images, shape == "pooled")
        answers = [_classified(code, classes)] if classes else []
        self._model = keras.Model(images, [given_back, *answers])
        self._optimizer = keras.optimizers.Adam(_RATE)
        self._optimizer.build(self._model.trainable_variables)
        self._fresh = [each.numpy() for each in self._optimizer.variables]
        self._step, self._ask = _traced(self._model, self._optimizer, 0.0 if shape == "code" else _NOISE)

    def learn(self, x: Images, y: Labels, rows: Rows, steps: int, rng: np.random.Generator) -> None:
        """Forget everything and learn some rows, at least one, in so many steps of 32 of them in turn."""
        for weight in self._model.weights:
            weight.assign(_drawn(weight.shape, rng))
        for variable, fresh in zip(self._optimizer.variables, self._fresh, strict=True):
            variable.assign(fresh)
        rounds = [rng.permutation(rows) for _ in range(ceil(steps * _BATCH / len(rows)))]
        for batch in np.concatenate(rounds)[: steps * _BATCH].reshape(steps, _BATCH):
            self._step(x[batch], y[batch], rng.integers(2**31, size=2))
        let_go(x)

    def errors(self, x: Images, y: Labels, rows: Rows) -> npt.NDArray[np.float64]:
        """Return float64[3, n], the `Errors` of some rows."""
        out = np.empty((3, len(rows)))
        for part in slices(len(rows), batch_of(self._model)):
            out[:, part] = self._ask(x[rows[part]], y[rows[part]]).numpy()
        return out


def _coded(images: Any) -> tuple[Any, Any]:
    """Return a code of images and what is made of it again."""
    from keras import layers

    height, width, channels = images.shape[1:]
    halvings = max(1, ceil(log2(max(height, width) / _SMALLEST_PX)))
    filters = [min(_FILTERS << each, 2 * _FILTERS) for each in range(halvings)]
    way = images
    for each in filters:
        way = layers.Conv2D(each, 3, strides=2, padding="same", activation="relu")(way)
    small = way.shape[1:]
    code = layers.Dense(_CODE)(layers.Flatten()(way))
    way = layers.Reshape(small)(layers.Dense(prod(small), activation="relu")(code))
    for each in filters[-2::-1]:
        way = layers.Conv2DTranspose(each, 3, strides=2, padding="same", activation="relu")(way)
    way = layers.Conv2DTranspose(channels, 3, strides=2, padding="same", activation="sigmoid")(way)
    return code, way[:, :height, :width]


def _convolved(images: Any, pooled: bool) -> tuple[Any, Any]:
    """Return the middle layer of a network of MagNet, and what it gives back."""
    from keras import layers

    def filtered(way: Any) -> Any:
        return layers.Conv2D(3, 3, padding="same", activation="elu")(way)

    height, width, channels = images.shape[1:]
    middle = filtered(images)
    if pooled:
        middle = filtered(layers.AveragePooling2D(2, padding="same")(middle))
    way = filtered(middle)
    if pooled:
        way = filtered(layers.UpSampling2D()(way))
    return middle, layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(way)[:, :height, :width]


def _classified(code: Any, classes: int) -> Any:
    """Return logits from a code, by a layer of 128 (Razmi & Xiong's)."""
    from keras import layers

    return layers.Dense(classes)(layers.Dense(128, activation="relu")(layers.Flatten()(code)))


def _traced(model: Any, optimizer: Any, noise: float) -> tuple[Any, Any]:
    """Return what takes a step on a batch, and what returns the `Errors` of one, float32[3, n]."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()

    def told(images: Any, shown: Any, labels: Any) -> Any:
        answers = tf.nest.flatten(model(shown))
        apart = tf.reshape(images - answers[0], (tf.shape(images)[0], -1))
        entropy = tf.zeros(tf.shape(labels))
        if len(answers) > 1:
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, answers[1])
        return tf.stack([tf.reduce_mean(abs(apart), 1), tf.reduce_mean(apart**2, 1), entropy])

    def step(images: Any, labels: Any, key: Any) -> None:
        images = tf.cast(images, tf.float32) / 255
        # The draw is of one algorithm on every device, and of no generator that remembers.
        drawn = tf.random.stateless_normal(tf.shape(images), key, alg="philox") if noise else 0.0
        with tf.GradientTape() as tape:
            _, squared, entropy = tf.unstack(told(images, images + noise * drawn, labels))
            loss = tf.reduce_mean(squared + entropy)
        weights = [each.value for each in model.trainable_variables]
        optimizer.apply(tape.gradient(loss, weights), model.trainable_variables)

    def ask(images: Any, labels: Any) -> Any:
        images = tf.cast(images, tf.float32) / 255
        return told(images, images, labels)

    rows = [tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8), tf.TensorSpec([None], tf.int64)]
    keyed = [*rows, tf.TensorSpec([2], tf.int64)]
    return tf.function(step, keyed, autograph=False), tf.function(ask, rows, autograph=False)


def _drawn(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return weights to begin with (Glorot & Bengio 2010, uniform); zeros for what is added."""
    if len(shape) < 2:
        return np.zeros(shape, np.float32)
    bound = sqrt(6 / (prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
