"""A victim asked in another way: with some of its layers made louder, or with a part of them left out.

No weight is changed and none is copied. The network's own layers are gone through once more, in a graph of
its own, and what some of them give is changed before the next layer gets it. A norm's output times a factor
is the same as its scale and its shift times that factor, so norms without a scale can be amplified too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.manifest import Images
from processing.defenses.common.base import Features
from training.model import FEATURES, Change, batch_of, batches, through

Factors = npt.NDArray[np.float32]
# Images and how to ask -> batches: where one stands, and float32[S, n, K], the answers in each of S ways.
Answers = Iterator[tuple[slice, Features]]


def block_ends(network: Any) -> tuple[str, ...]:
    """Return the names of the layers after which a network has or could have dropout, first layer first.

    Its dropout layers; if it has none, the sums that end its residual blocks; else its activations; and if
    these are part of other layers, the layer `features` alone.
    """
    from keras import layers

    def of(*kinds: Any) -> tuple[str, ...]:
        return tuple(layer.name for layer in network.layers if isinstance(layer, kinds))

    sums = tuple(name for name in of(layers.Add) if len(network.get_layer(name).output.shape) == 4)
    active = tuple(name for name in of(layers.ReLU, layers.LeakyReLU, layers.Activation))
    return of(layers.Dropout) or sums or active or (FEATURES,)


def amplified(network: Any, names: Sequence[str]) -> Callable[[Images, Factors], Answers]:
    """Return a function that asks a network with what some of its layers give multiplied.

    Parameters
    ----------
    network : keras.Model
        uint8[N, H, W, C] -> float32[N, K], probabilities.
    names : sequence of str
        L layers.

    Returns
    -------
    callable
        uint8[N, H, W, C], float32[S, L] -> `Answers`, by S rows of factors. All ones give its own answers.
        BadInput if an answer is not finite.
    """
    import tensorflow as tf

    place = {name: i for i, name in enumerate(names)}

    def louder(factors: Any) -> Change:
        def change(name: str, out: Any) -> Any:
            return out * tf.cast(factors[place[name]], out.dtype) if name in place else out

        return change

    step = _changed(network, louder, tf.TensorSpec([len(names)], tf.float32))

    def ask(x: Images, factors: Factors) -> Answers:
        for part, images in batches(x, batch_of(network)):
            yield part, _finite(np.stack([step(images, each).numpy() for each in factors]))

    return ask


def dropped(network: Any, names: Sequence[str], seed: int) -> Callable[[Images, float, int], Answers]:
    """Return a function that asks a network with a random part of what some of its layers give left out.

    Each number is 0 with probability `rate`, and divided by 1 - rate else (Srivastava et al. 2014, inverted).

    Parameters
    ----------
    network : keras.Model
        uint8[N, H, W, C] -> float32[N, K], probabilities. Its own dropout is off, as at inference.
    names : sequence of str
        Layers with float output.
    seed : int
        With a row's batch, a pass and a layer it says what is left out: the same again if asked again.

    Returns
    -------
    callable
        uint8[N, H, W, C], rate in [0, 1), number of passes T -> `Answers`: first the network's own, then
        those of T passes. BadInput if an answer is not finite.
    """
    import tensorflow as tf

    def thinner(rate: Any, key: Any) -> Change:
        def change(name: str, out: Any) -> Any:
            if name not in names:
                return out
            # The draw is of one algorithm on every device, and of no generator that remembers.
            own = key + tf.constant([0, names.index(name)], tf.int64)
            draw = tf.random.stateless_uniform(tf.shape(out), own, alg="philox")
            return tf.where(draw < rate, tf.zeros_like(out), out / tf.cast(1 - rate, out.dtype))

        return change

    step = _changed(network, thinner, tf.TensorSpec([], tf.float32), tf.TensorSpec([2], tf.int64))

    def ask(x: Images, rate: float, passes: int) -> Answers:
        for part, images in batches(x, batch_of(network)):
            ways = [(0.0, 0)] + [(rate, number) for number in range(1, passes + 1)]
            answers = [step(images, each, _key(seed, number, part.start)).numpy() for each, number in ways]
            yield part, _finite(np.stack(answers))

    return ask


def _changed(network: Any, change: Callable[..., Change], *more: Any) -> Any:
    """Return a traced function of a batch of images, and of what says how the layers' outputs change."""
    import tensorflow as tf

    def forward(images: Any, *how: Any) -> Any:
        return through(network.inputs[0], images, network.outputs[0], change(*how))

    return tf.function(
        forward, input_signature=[tf.TensorSpec([None, *network.input_shape[1:]], tf.uint8), *more]
    )


def _key(seed: int, number: int, start: int) -> npt.NDArray[np.int64]:
    """Return int64[2], another one for each seed, pass and batch."""
    return np.random.SeedSequence([seed, number, start]).generate_state(2).astype(np.int64)


def _finite(answers: Features) -> Features:
    if not np.isfinite(answers).all():
        raise BadInput("the victim model", "its answers are not finite numbers", "train it again")
    return answers
