"""MM-BD: the class of a backdoor has a larger margin than any picture gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.architectures.common.inside import Floats
from training.checks.adopted import logits_of

SOURCE = "Wang et al. 2024"
ALARM = 0.05
# With fewer there is no distribution of the others.
LEAST_CLASSES = 6
IMAGES = 30
_STEPS, _RATE, _MOMENTUM, _STILL = 300, 1e-2, 0.2, 1e-5
# Images that climb at once, and all that climb: of many classes each gets fewer.
_AT_ONCE, _MOST = 300, 3000


@dataclass(frozen=True)
class MaximumMargin:
    """What MM-BD found.

    Attributes
    ----------
    margins : float32[K]
        r_t, the largest margin of logits that was reached for each class.
    target : int
        The class with the largest.
    ratio : float
        Its margin by the median of all.
    p : float or None
        How likely the largest of K is as large as that, were it one of the others; None below 6 classes.
    images : int
        Starts a class.
    """

    margins: Floats
    target: int
    ratio: float
    p: float | None
    images: int

    @property
    def alarm(self) -> bool:
        """Whether p is at most 0.05."""
        return self.p is not None and self.p <= ALARM


def mm_bd(model: Any, seed: int = 0, say: Callable[[str], None] = lambda _: None) -> MaximumMargin:
    """Ask each class how far images of nothing can be driven into it (Wang et al. 2024, algorithm 1).

    Of each class 30 images, drawn from 0..1 evenly, climb the margin z_t - max z_k by up to 300 steps of SGD (rate
    0.01, momentum 0.2), clamped to 0..1, until their sum changes by less than 1e-5 of itself. A gamma distribution is
    fitted to the margins of all classes but the largest, F; p = 1 - F(largest)^K.

    Departs from the paper: of more than 100 classes each gets fewer starts, 3,000 in all and one at the least.

    Parameters
    ----------
    model : keras.Model
        In the form of ours (`training.checks.adopted`).
    seed : int
        Of the starts.
    say : callable
        Is told how far it got.
    """
    shape, classes = model.input_shape[1:], model.output_shape[1]
    images = min(IMAGES, max(1, _MOST // classes))
    climb = _climber(model, classes)
    draw = np.random.default_rng(seed)
    margins = np.empty(classes, np.float32)
    group = max(1, _AT_ONCE // images)
    for start in range(0, classes, group):
        targets = np.arange(start, min(start + group, classes))
        x = draw.random((len(targets) * images, *shape), np.float32)
        margins[targets] = climb(x, targets, images)
        say(f"MM-BD: {targets[-1] + 1} of {classes} classes")
    return judged(margins, images)


def _climber(model: Any, classes: int) -> Callable[[Floats, Any, int], Floats]:
    """Return a function of starts, classes and starts a class: the largest margin that each class reaches."""
    import tensorflow as tf

    logits = logits_of(model)
    pixels, one = [None, *model.input_shape[1:]], tf.TensorSpec([None], tf.int64)

    def step(x: Any, speed: Any, target: Any) -> Any:
        own = tf.one_hot(target, classes)
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = logits(x)
            margin = tf.reduce_sum(z * own, 1) - tf.reduce_max(tf.where(own > 0, z.dtype.min, z), 1)
        speed = _MOMENTUM * speed + tape.gradient(margin, x)
        return tf.clip_by_value(x + _RATE * speed, 0.0, 1.0), speed, margin

    run = tf.function(step, input_signature=[*[tf.TensorSpec(pixels, tf.float32)] * 2, one])

    def climb(x: Any, targets: Any, images: int) -> Floats:
        best, last = np.full(len(targets), -np.inf, np.float32), np.full(len(targets), np.inf)
        moving = np.arange(len(targets))
        speed = np.zeros_like(x)
        for _ in range(_STEPS + 1):
            x, speed, margin = run(x, speed, np.repeat(targets[moving], images))
            each = margin.numpy().reshape(len(moving), images)
            best[moving] = np.maximum(best[moving], each.max(axis=1))
            total = each.sum(axis=1, dtype=np.float64)
            on = np.abs(total - last[moving]) >= _STILL * np.abs(last[moving])
            last[moving] = total
            if not on.all():
                moving, rows = moving[on], np.repeat(on, images)
                x, speed = x[rows], speed[rows]
            if not len(moving):
                break
        return best

    return climb


def judged(margins: Floats, images: int = IMAGES) -> MaximumMargin:
    """Hold the largest of the margins float32[K] against the others."""
    from scipy.stats import gamma

    target = int(margins.argmax())
    others = np.delete(margins, target).astype(np.float64)
    ratio = float(margins[target] / np.median(margins))
    p = None
    if len(margins) >= LEAST_CLASSES:
        p = float(1 - gamma.cdf(margins[target], *gamma.fit(others)) ** len(margins))
    return MaximumMargin(margins, target, ratio, p, images)
