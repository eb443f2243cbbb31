"""MM-BD: the class of a backdoor has a larger margin than any picture gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.architectures.common.inside import Floats
from training.foreign.adopted import logits_of, no_gradient

SOURCE = "Wang et al. 2024"
ALARM = 0.05
# With fewer there is no distribution of the others.
LEAST_CLASSES = 6
IMAGES, STEPS = 30, 300
_RATE, _MOMENTUM, _STILL = 1e-2, 0.2, 1e-5
# Images that climb at once; and the steps of all images together, of which many classes get fewer each.
_AT_ONCE, _MOST_STEPS = 300, 150_000


@dataclass(frozen=True)
class MaximumMargin:
    """What MM-BD found.

    Attributes
    ----------
    margins : float32[K]
        r_t, the largest margin of logits that was reached for each class.
    values : float32[K]
        What is held against each other: the margins, or each by that of the control.
    p : float or None
        How likely the largest of K values is as large as that, were it one of the others; None below 6
        classes.
    p_published : float or None
        The same as the paper has it; None below 6 classes, and where there is a control.
    """

    margins: Floats
    values: Floats
    p: float | None
    p_published: float | None

    @property
    def target(self) -> int:
        """The class with the largest value."""
        return int(self.values.argmax())

    @property
    def ratio(self) -> float:
        """That value by the median of all."""
        return float(self.values.max() / np.median(self.values))

    @property
    def alarm(self) -> bool:
        """Whether p is at most 0.05."""
        return self.p is not None and self.p <= ALARM


def largest_margins(model: Any, seed: int = 0, say: Callable[[str], None] = lambda _: None) -> Floats:
    """Return float32[K], how far images of nothing can be driven into each class (Wang et al. 2024).

    Of each class 30 images, drawn from 0..1 evenly, climb the margin z_t - max z_k by up to 300 steps of SGD
    (rate 0.01, momentum 0.2), clamped to 0..1, until the sum of their margins changes by less than 1e-5 of
    itself.

    Departs from the paper: of more than 16 classes each gets fewer starts, of more than 500 fewer steps
    (`effort_for`).

    Parameters
    ----------
    model : keras.Model
        In the form of ours (`training.foreign.adopted`).
    seed : int
        Of the starts.
    say : callable
        Is told how far it got.
    """
    shape, classes = model.input_shape[1:], model.output_shape[1]
    images, steps = effort_for(classes)
    climb = _climber(model, classes, steps)
    draw = np.random.default_rng(seed)
    margins = np.empty(classes, np.float32)
    group = max(1, _AT_ONCE // images)
    for start in range(0, classes, group):
        targets = np.arange(start, min(start + group, classes))
        x = draw.random((len(targets) * images, *shape), np.float32)
        margins[targets] = climb(x, targets, images)
        say(f"MM-BD: {targets[-1] + 1} of {classes} classes")
    return margins


def effort_for(classes: int) -> tuple[int, int]:
    """Return how many images each of so many classes gets, and how many steps: the same for all classes.

    >>> effort_for(10), effort_for(100), effort_for(1283)
    ((30, 300), (5, 300), (1, 116))
    """
    return min(IMAGES, max(1, _MOST_STEPS // (STEPS * classes))), min(STEPS, max(10, _MOST_STEPS // classes))


def _climber(model: Any, classes: int, steps: int) -> Callable[[Floats, Any, int], Floats]:
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
        slope = tape.gradient(margin, x)
        if slope is None:
            raise no_gradient()
        speed = _MOMENTUM * speed + slope
        return tf.clip_by_value(x + _RATE * speed, 0.0, 1.0), speed, margin

    signature = [*[tf.TensorSpec(pixels, tf.float32)] * 2, one]
    # As it is written: an error of ours passes through unchanged.
    run = tf.function(step, input_signature=signature, autograph=False)

    def climb(x: Any, targets: Any, images: int) -> Floats:
        best, last = np.full(len(targets), -np.inf, np.float32), np.full(len(targets), np.inf)
        moving = np.arange(len(targets))
        speed = np.zeros_like(x)
        for _ in range(steps + 1):
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


def judged(margins: Floats, control: Floats | None = None) -> MaximumMargin:
    """Hold the largest margin against the others, each by that of a control if there is one.

    The paper fits a gamma distribution F to the others, and p = 1 - F(largest)^K. Nine values do not tell how
    far the tail of F reaches, and what they leave open is left out there: two clean networks on Fashion-MNIST
    both had a p below 0.05. Here F is that of one more value drawn as the others were, where their logarithms
    are normal: Student's t with K - 2 degrees of freedom, of the standard deviation by sqrt(1 + 1 / (K - 1)).
    The published p is given beside it.

    Parameters
    ----------
    margins : float32[K]
    control : float32[K], optional
        Of a model of the same task that no attacker could reach: some classes reach further than others by
        nature.
    """
    from scipy.stats import t

    least = 1e-3 * float(np.abs(margins).max() or 1.0)
    values = np.maximum(margins, least)
    if control is not None:
        values = values / np.maximum(control, least)
    classes = len(values)
    if classes < LEAST_CLASSES:
        return MaximumMargin(margins, values, None, None)
    largest, others = values.max(), np.delete(values, values.argmax()).astype(np.float64)
    logs = np.log(others)
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs))
    far = (np.log(largest) - logs.mean()) / spread if spread else 0.0
    published = None if control is not None else _published(float(largest), others)
    p = float(-np.expm1(classes * t.logcdf(far, len(logs) - 1)))
    return MaximumMargin(margins, values, p, published)


def _published(largest: float, others: npt.NDArray[np.float64]) -> float | None:
    """Return p as the paper has it; None where no gamma distribution can be fitted."""
    from scipy.stats import FitError, gamma

    try:
        with np.errstate(all="ignore"):
            fitted = gamma.fit(others)
    except FitError:
        return None
    return float(1 - gamma.cdf(largest, *fitted) ** (len(others) + 1))
