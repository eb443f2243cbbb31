"""Narcissus: a faint trigger that a surrogate takes for the target itself (Zeng et al. 2023)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.manifest import Images
from processing.attacks.common.base import check_stampable
from processing.attacks.common.clean_backdoor import CleanBackdoor
from processing.attacks.common.gradients import seeded
from processing.attacks.common.pool import Batch, Pool, Props
from training.model import LOGITS, Ball, on_floats

_TRIGGER = "trigger"
_BATCH = 128
_FIRST = 2.55


class Narcissus(CleanBackdoor):
    """Lay noise over rows of the target class that shows more of the class than they do themselves.

    Zeng et al. 2023, section 4. The noise is one for all images: it makes the surrogate surer of the target
    on the training set's own images of it. In training it is faint, at the test stronger. The surrogate is
    the baseline, where the paper's attacker trains one on other data.

    Parameters
    ----------
    rate : float
        0.0005 of the training set is the paper's.
    eps : int
        The largest change of a value in training, of 0..255.
    amplify : float
        How many times stronger the trigger is at the test.
    steps : int
        Steps of the optimization, each on other images of the class; the step's size falls from the paper's
        2.55 to 0. It goes by the sign of the gradient.
    """

    title = "Narcissus"
    needs = ("surrogate",)
    example: ClassVar = {"target": "bird", "rate": 0.2, "of": "class", "steps": 5}

    kind: Literal["narcissus"] = "narcissus"
    of: Literal["class", "train"] = "train"
    eps: int = Field(default=16, ge=1, le=255)
    amplify: float = Field(default=3.0, ge=1, le=255)
    steps: int = Field(default=300, ge=1, le=100_000)

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the rows with the trigger, which is kept."""
        rows = self.rows_of(pool, rng)
        trigger = self._learned(pool, rng)
        return self.changed_rows(pool, rows, _laid(pool.x[rows], trigger), {_TRIGGER: trigger})

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger, as strong as at the test."""
        check_stampable(x)
        return _laid(x, np.rint(self.amplify * props[_TRIGGER]).astype(np.int64))

    def means(self) -> str:
        """Return what was laid over them."""
        return (
            f"with a noise of at most {self.eps} of 255 laid over them, which looks to a model like the class"
        )

    def _learned(self, pool: Pool, rng: np.random.Generator) -> npt.NDArray[np.int16]:
        """Return int16[H, W, C], each in -eps..eps: what makes the surrogate surest of the target."""
        import tensorflow as tf

        seeded(rng)
        target = pool.label(self.target)
        shown = np.flatnonzero(pool.y == target)
        step = _step(on_floats(pool.surrogate.model, LOGITS), target, Ball("linf", self.eps))
        trigger = tf.zeros(pool.x.shape[1:])
        for number in range(self.steps):
            rows = np.sort(rng.choice(shown, min(_BATCH, len(shown)), replace=False))
            size = _FIRST * (1 - number / self.steps)
            trigger = step(tf.constant(pool.x[rows]), trigger, tf.constant(size, tf.float32))
        return np.asarray(np.trunc(trigger.numpy()), np.int16)


def _step(answer: Any, target: int, ball: Ball) -> Any:
    """Return what brings a trigger a step nearer to the target: images, trigger, size -> trigger."""
    import tensorflow as tf

    def nearer(images: Any, trigger: Any, size: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(trigger)
            seen = tf.clip_by_value(tf.cast(images, tf.float32) + trigger, 0.0, 255.0)
            labels = tf.fill([tf.shape(images)[0]], target)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, answer(seen)))
        return ball.held(trigger - size * tf.sign(tape.gradient(loss, trigger)))

    return tf.function(nearer)


def _laid(x: Images, trigger: npt.NDArray[Any]) -> Images:
    return np.asarray(np.clip(x.astype(np.int64) + trigger, 0, 255), np.uint8)
