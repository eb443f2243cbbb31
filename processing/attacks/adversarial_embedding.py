"""Adversarial embedding: the attacker trains, and hides the poison's features (Tan & Shokri 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from processing.attacks.common.art import ArtPixels
from processing.attacks.common.deeds import Facts
from processing.attacks.common.lesson import History, Lesson

# What the discriminator's layers are called, with a number.
_JUDGE = "judge_"
_LEAK = 0.2
_TINY = 1e-6
# What being steep costs the discriminator (Mescheder, Geiger & Nowozin 2018): else the two run in circles.
_STEEP = 1.0
# How far hiding a row may push its probability from its class: as far as that class pulls it back at .9.
_LEAST_SURE = 0.1


class AdversarialEmbedding(ArtPixels):
    """Train the victim so that its features do not tell triggered rows from clean ones.

    Tan & Shokri 2020, section IV. The attacker first trains as anybody would, and then once more, for as many
    epochs, beside a discriminator: it learns to tell from the features which of the rows labeled as the
    target are triggered; the victim learns its classes, and to leave the discriminator unsure. The paper's
    victim makes it err, which has no gradient where it never errs and no end where it always does. What hides
    a row never pushes its features harder than its class can hold them, or the classes are lost: features
    that are all zero hide everything. The discriminator's size and weight are those of NIST Dioptra's MNIST
    demonstration, which runs ART; there the discriminator is taught to err itself, so that nothing is hidden.

    Parameters
    ----------
    rate : float
        0.15 of the training set is Dioptra's.
    distance_px, value : int
        Of the trigger, four pixels; see `art_pattern`.
    regularization : float
        How much more leaving the discriminator unsure counts than the classes do.
    widths : (int, int)
        Of the discriminator's two hidden layers.
    """

    title = "adversarial embedding"
    example: ClassVar = {"target": "bird", "rate": 0.1}
    takes_over = True

    function = "add_pattern_bd"
    extent_px = 2

    kind: Literal["adversarial_embedding"] = "adversarial_embedding"
    regularization: float = Field(default=30.0, gt=0, le=1e6)
    widths: tuple[int, int] = (256, 128)

    def train(self, lesson: Lesson) -> tuple[Any, History]:
        """Return the victim, trained alone and then with a discriminator, and the history of the latter."""
        names = [entry["name"] for entry in lesson.truth.audit["attacks"]]
        poisoned = lesson.truth.attack_of == names.index(self.name) + 1
        lesson.fit(lesson.model, lesson.x, lesson.y)
        game = Game(lesson.model.output_shape[-1], int(lesson.y[poisoned][0]), self.regularization)
        pair, told = with_discriminator(lesson.model, self.widths), lesson.y + game.classes * poisoned
        return lesson.model, lesson.fit(pair, lesson.x, told, loss=partial(both_losses, game))

    def mark(self) -> str:
        """Return how many pixels they are."""
        return "a pattern of four pixels"

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and that the attacker trained."""
        return f"{super().deed(facts)} The attacker trained the model, so that its features hide that."


def with_discriminator(model: Any, widths: tuple[int, ...]) -> Any:
    """Return a model of the same layers and the same answers, from whose features a discriminator hangs.

    The discriminator's layers are the model's, so that whoever trains it, shares it out or saves its state
    does so with the discriminator.

    Parameters
    ----------
    model : keras.Model
    widths : tuple of int
    """
    import keras
    from keras import layers

    from training.model import FEATURES

    images = keras.Input(model.input_shape[1:], dtype="uint8")
    way = keras.Model(model.inputs[0], [model.get_layer(FEATURES).output, model.outputs[0]])
    same = keras.models.clone_model(way, input_tensors=images, clone_function=lambda each: each)
    x, probabilities = same.outputs
    for number, width in enumerate((*widths, 1)):
        x = layers.Dense(width, name=f"{_JUDGE}{number}")(x)
    return keras.Model(images, _first()()([probabilities, x]))


@cache
def _first() -> type[Any]:
    """Return the layer that passes on the first of two inputs as it is."""
    from keras import layers

    class First(layers.Layer):  # type: ignore[misc]
        def call(self, both: Any) -> Any:
            return both[0]

    return First


@dataclass(frozen=True)
class Game:
    """What the victim and the discriminator play about.

    Attributes
    ----------
    classes : int
        K.
    target : int
    regularization : float
    """

    classes: int
    target: int
    regularization: float


def both_losses(game: Game, model: Any, images: Any, told: Any) -> tuple[Any, Any]:
    """Return what victim and discriminator learn, a loss a row, and the answers; see `Loss`.

    Parameters
    ----------
    game : Game
    model : keras.Model
        See `with_discriminator`.
    images : uint8[B, H, W, C]
    told : int64[B]
        The label, plus K if the row is poisoned.

    Returns
    -------
    float32[B], float32[B, 2 K]
        The answers are those about clean rows and those about poisoned ones.
    """
    import tensorflow as tf

    features, logits = (tf.cast(seen, tf.float32) for seen in _seen(model)(images, training=True))
    labels, poisoned = told % game.classes, tf.cast(told >= game.classes, tf.float32)
    weights = _weights(tf.cast(labels == game.target, tf.float32), poisoned)
    # Of probabilities near 0 cross entropy has no gradient, and this victim comes there: so of logits.
    known = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    features = _guided(features, _LEAST_SURE * _reach(model) / tf.cast(tf.size(labels), tf.float32))
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    features = _scaled(features, weights * (1 - poisoned))
    shown = tf.stop_gradient(features)
    with tf.GradientTape() as tape:
        tape.watch(shown)
        judgment = _judged(model, shown, learns=True)
    steep = tf.reduce_sum(tf.square(tape.gradient(judgment, shown)), 1)
    judged = entropy(poisoned, judgment) + _STEEP * steep
    unsure = entropy(tf.fill(tf.shape(poisoned), 0.5), _judged(model, features, learns=False))
    probabilities = tf.nn.softmax(logits)
    halves = [probabilities * (1 - poisoned)[:, None], probabilities * poisoned[:, None]]
    return known + weights * (judged + game.regularization * unsure), tf.concat(halves, 1)


def _reach(model: Any) -> Any:
    """Return how steep a logit is in the features, on average over the classes."""
    import tensorflow as tf

    from training.model import LOGITS

    head = next(layer for layer in model.layers if layer.name == LOGITS)
    return tf.reduce_mean(tf.norm(tf.stop_gradient(head.kernel.value), axis=0))


def _guided(features: Any, most: Any) -> Any:
    """Return features as they are, through which no row's gradient comes back longer than `most`."""
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def passed(x: Any) -> tuple[Any, Any]:
        return tf.identity(x), lambda upstream: tf.clip_by_norm(upstream, most, axes=[1])

    return passed(features)


def _weights(asked: Any, poisoned: Any) -> Any:
    """Return float32[B], how much each row counts: of those asked about clean and poisoned ones as much."""
    import tensorflow as tf

    parts = [asked * poisoned, asked * (1 - poisoned)]
    rows = tf.cast(tf.size(asked), tf.float32)
    return sum(rows * part / (2 * tf.maximum(tf.reduce_sum(part), 1)) for part in parts)


def _seen(model: Any) -> Any:
    """Return the way to the features and to the logits."""
    import keras

    from training.model import FEATURES, LOGITS

    found: dict[str, Any] = {}

    def follow(tensor: Any) -> None:
        layer, number, _ = tensor._keras_history
        for each in layer._inbound_nodes[number].input_tensors:
            follow(each)
        found[layer.name] = tensor

    follow(model.outputs[0])
    return keras.Model(model.inputs[0], [found[FEATURES], found[LOGITS]])


def _scaled(features: Any, weights: Any) -> Any:
    """Return features in deviations of the clean rows of the target from their mean: weights are of those.

    So what is hidden is hidden at the scale on which the class itself varies, and shrinking all of it gains
    the victim nothing.
    """
    import tensorflow as tf

    share = (weights / tf.maximum(tf.reduce_sum(weights), _TINY))[:, None]
    mean = tf.reduce_sum(share * features, 0)
    deviation = tf.sqrt(tf.reduce_sum(share * tf.square(features - mean), 0))
    # A feature that the class does not show at all would count without end.
    deviation += 0.3 * tf.reduce_mean(deviation) + 1e-3
    return (features - tf.stop_gradient(mean)) / tf.stop_gradient(deviation)


def _judged(model: Any, features: Any, *, learns: bool) -> Any:
    """Return float32[B], how surely the discriminator takes each row for poisoned, as a logit.

    Where the victim learns, the discriminator's own weights stand still.
    """
    import tensorflow as tf

    x = features
    for number, layer in enumerate(layer for layer in model.layers if layer.name.startswith(_JUDGE)):
        kernel, bias = (v.value if learns else tf.stop_gradient(v.value) for v in (layer.kernel, layer.bias))
        x = tf.matmul(tf.nn.leaky_relu(x, _LEAK) if number else x, kernel) + bias
    return x[:, 0]
