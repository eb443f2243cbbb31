"""Neural Cleanse: the smallest patch that turns every picture into a class, of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.manifest import Images
from training.architectures.common.inside import Floats
from training.checks.weight_spectrum import robust_z
from training.foreign.adopted import logits_of

SOURCE = "Wang et al. 2019"
ALARM = 2.0
# A median of fewer says nothing of any.
LEAST_CLASSES = 4
LEAST_ROWS = 32
_BATCH, _ROUND, _ROUNDS = 32, 5, 120
# Pictures stamped at once.
_AT_ONCE = 320
_RATE, _DECAY, _EPSILON = 0.1, (0.5, 0.9), 1e-7
_SUCCESS = 0.99
_COST, _UP, _DOWN, _PATIENCE = 1e-3, 2.0, 2.0**1.5, 5
_STILL, _PATIENCE_STILL = 0.99, 25
# What a tanh is kept away from its ends by.
_INSIDE = 1e-6


@dataclass(frozen=True)
class ReversedTriggers:
    """What Neural Cleanse found, of T classes.

    Attributes
    ----------
    classes : tuple of int
        Which classes.
    masks : float32[T, H, W], 0..1
        How much of each pixel the patch takes.
    patterns : float32[T, H, W, C], 0..1
        What it puts there.
    sizes : float32[T]
        Sum of each mask, in pixels.
    success : float32[T]
        Share of the pictures that got the class when the mask was kept. Below 0.99 no patch was found, and
        the mask is the last one.
    index : float32[T]
        How many spreads (1.4826 MAD) the size lies below the median of all; negative above it.
    """

    classes: tuple[int, ...]
    masks: Floats
    patterns: Floats
    sizes: Floats
    success: Floats
    index: Floats

    @property
    def target(self) -> int:
        """The class with the smallest patch."""
        return self.classes[self.smallest]

    @property
    def smallest(self) -> int:
        """Where that class stands among `classes`."""
        return int(self.sizes.argmin())

    @property
    def enough(self) -> bool:
        """Whether the classes are enough for an index."""
        return len(self.classes) >= LEAST_CLASSES

    @property
    def alarm(self) -> bool:
        """Whether that patch was found and lies more than two spreads below the median."""
        at = self.smallest
        return bool(self.enough and self.index[at] > ALARM and self.success[at] >= _SUCCESS)


def neural_cleanse(
    model: Any,
    x: Images,
    classes: Sequence[int],
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> ReversedTriggers:
    """Find for each class the smallest patch that turns clean pictures into it (Wang et al. 2019).

    Mask and pattern are the tanh of what Adam (rate 0.1, 0.5, 0.9) moves: cross-entropy to the class + a cost
    times the mask's sum. The cost starts at 0.001, doubles while 99% of the pictures get the class, and falls
    by 2^1.5 where they do not; the smallest mask with which they did is kept.

    Departs from the published code: up to 600 steps of 32 pictures in rounds of 5, where it has up to 1,000
    rounds of as many pictures as there are.

    Parameters
    ----------
    model : keras.Model
        In the form of ours (`training.foreign.adopted`).
    x : uint8[N, H, W, C]
        Clean pictures of all classes, 32 or more.
    classes : sequence of int
        Those to look at.
    seed : int
        Of the starts, and which pictures are in a batch.
    say : callable
        Is told how far it got.
    """
    draw = np.random.default_rng(seed)
    group = max(1, _AT_ONCE // _BATCH)
    found: list[tuple[Floats, Floats, Floats]] = []
    for start in range(0, len(classes), group):
        targets = np.asarray(classes[start : start + group])
        found.append(_reverse(model, x, targets, draw))
        say(f"Neural Cleanse: {start + len(targets)} of {len(classes)} classes")
    masks, patterns, success = (np.concatenate(parts) for parts in zip(*found, strict=True))
    sizes = masks.sum(axis=(1, 2))
    return ReversedTriggers(tuple(map(int, classes)), masks, patterns, sizes, success, -robust_z(sizes))


def _reverse(model: Any, x: Images, targets: Any, draw: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return masks, patterns and success of some classes, side by side."""
    height, width, channels = x.shape[1:]
    raw = [
        np.arctanh((draw.random((len(targets), height, width, deep), np.float32) - 0.5) * 2 * (1 - _INSIDE))
        for deep in (1, channels)
    ]
    step = _stepper(model, raw, targets)
    cost = _Cost(len(targets))
    masks, patterns = np.ones(raw[0].shape, np.float32), np.zeros(raw[1].shape, np.float32)
    smallest, kept = np.full(len(targets), np.inf), np.zeros(len(targets), np.float32)
    for _ in range(_ROUNDS):
        hits = np.zeros(len(targets))
        for _ in range(_ROUND):
            rows = draw.integers(0, len(x), _BATCH)
            mask, pattern, hit = step(x[rows].astype(np.float32) / 255, cost.now.astype(np.float32))
            hits += hit.numpy() / _ROUND
        size = mask.numpy().sum(axis=(1, 2, 3))
        better = (hits >= _SUCCESS) & (size < smallest)
        none = ~np.isfinite(smallest) & ~better
        smallest[better] = size[better]
        for which in (better, none):
            masks[which], patterns[which], kept[which] = (
                mask.numpy()[which],
                pattern.numpy()[which],
                hits[which],
            )
        if cost.move(hits >= _SUCCESS, smallest):
            break
    return masks[..., 0], patterns, kept


def _stepper(model: Any, raw: Sequence[Floats], targets: Any) -> Callable[[Floats, Floats], Any]:
    """Return a function of pictures and costs that moves all masks and patterns by one step of Adam.

    It returns the masks and patterns that it was taken with, and the share of pictures that got each class.
    """
    import keras
    import tensorflow as tf

    logits = logits_of(model)
    moved = [tf.Variable(each) for each in raw]
    optimizer = keras.optimizers.Adam(_RATE, *_DECAY, epsilon=_EPSILON)
    optimizer.build(moved)
    labels = tf.repeat(tf.constant(targets), _BATCH)

    def step(pictures: Any, cost: Any) -> Any:
        with tf.GradientTape() as tape:
            mask, pattern = (tf.tanh(each) / 2 + 0.5 for each in moved)
            stamped = pictures[None] * (1 - mask[:, None]) + (mask * pattern)[:, None]
            z = logits(tf.reshape(stamped, [-1, *pictures.shape[1:]]))
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)
            loss = tf.reduce_sum(loss) / _BATCH + tf.reduce_sum(cost * tf.reduce_sum(mask, [1, 2, 3]))
        optimizer.apply_gradients(zip(tape.gradient(loss, moved), moved, strict=True))
        hit = tf.cast(tf.argmax(z, 1) == labels, tf.float32)
        return mask, pattern, tf.reduce_mean(tf.reshape(hit, [-1, _BATCH]), 1)

    pixels = [_BATCH, *raw[1].shape[1:]]
    signature = [tf.TensorSpec(pixels, tf.float32), tf.TensorSpec([len(targets)], tf.float32)]
    run: Callable[[Floats, Floats], Any] = tf.function(step, input_signature=signature)
    return run


class _Cost:
    """What a pixel of the mask costs each class, raised and lowered by how well the patch does."""

    def __init__(self, classes: int) -> None:
        self.now = np.full(classes, _COST)
        self._good, self._bad, self._still = (np.zeros(classes, int) for _ in range(3))
        self._raised, self._lowered = np.zeros(classes, bool), np.zeros(classes, bool)
        self._before = np.full(classes, np.inf)

    def move(self, good: Any, smallest: Any) -> bool:
        """Take a round's success and the smallest masks so far; return whether no class gets any further."""
        self._good, self._bad = np.where(good, self._good + 1, 0), np.where(good, 0, self._bad + 1)
        up, down = self._good >= _PATIENCE, self._bad >= _PATIENCE
        self.now = np.where(up, self.now * _UP, np.where(down, self.now / _DOWN, self.now))
        self._good[up], self._bad[down] = 0, 0
        self._raised |= up
        self._lowered |= down
        found = np.isfinite(smallest)
        self._still = np.where(found & (smallest >= _STILL * self._before), self._still + 1, 0)
        self._before = np.minimum(self._before, smallest)
        return bool((self._raised & self._lowered & (self._still >= _PATIENCE_STILL)).all())
