"""Feature collision: rows of the target class with the attacked image's features (Shafahi et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from processing.attacks.common.clean_label import Aim, Bounded, Crafted

if TYPE_CHECKING:
    from training.model import ModelView

# How far the first step moves the value that it moves furthest, of a range of 1; then each row's own length
# grows while its objective falls, and is halved where it would not.
_FIRST_STEP, _LONGER, _SHORTER = 0.05, 1.2, 0.5


class FeatureCollision(Bounded):
    """Move each poison's features onto those of the image that is attacked, and keep it near its base.

    Shafahi et al. 2018, section 2, algorithm 1: forward-backward splitting, a step down the squared distance
    of the features and then one back towards the base, here with a step length that each row finds for
    itself. The distance is in units of the victim's norm and images go from 0 to 1, so that `beta` means
    the same on every network. It works where the victim keeps the surrogate's features and learns a new
    head; for training from scratch the paper adds a watermark and takes 50 poisons (section 4).

    Parameters
    ----------
    beta : float
        Weight of the squared distance to the base; 0.25 times a ratio of sizes in the paper.
    watermark : float
        Opacity with which the image that is attacked is laid over each base first; 0.3 in section 4.
    eps : float
        Largest change of any value, of 255, the watermark's included. The paper has none: 255.
    """

    title = "feature collision"
    example: ClassVar = {"target": "bird", "source": "dog", "victims": 2, "poisons": 3, "steps": 5}

    kind: Literal["feature_collision"] = "feature_collision"
    beta: float = Field(default=0.1, ge=0, le=1e6)
    watermark: float = Field(default=0.0, ge=0, lt=1)
    eps: float = Field(default=255.0, ge=1, le=255)

    def craft(self, surrogate: ModelView, aim: Aim) -> Crafted:
        """Return the changed rows; see `CleanLabel.craft`."""
        import tensorflow as tf

        from processing.attacks.common.crafting import bounds, features_of, measured, rounded

        features = features_of(surrogate)
        wanted = features(tf.constant(aim.victims, tf.float32))[:, None]
        norm = tf.reduce_sum(wanted**2, -1)
        marked = tf.constant(self._marked(aim))

        def apart(images: Any) -> Any:
            return tf.reduce_sum((features(images) - wanted) ** 2, -1) / norm

        def near(images: Any) -> Any:
            return tf.reduce_sum(((images - marked) / 255) ** 2, (2, 3, 4))

        def objective(images: Any) -> Any:
            return tf.reduce_mean(apart(images) + self.beta * near(images), -1)

        low, high = map(tf.constant, bounds(aim.bases, self.eps))
        start = tf.clip_by_value(marked, low, high)
        x = rounded(self._split(apart, near, start, (low, high, marked)))
        return Crafted(x, measured(objective, aim.bases, x))

    def _marked(self, aim: Aim) -> Any:
        over = aim.victims[:, None].astype(np.float32)
        return np.asarray((1 - self.watermark) * aim.bases + self.watermark * over, np.float32)

    def _split(self, apart: Any, near: Any, start: Any, limits: tuple[Any, Any, Any]) -> Images:
        """Return what forward-backward splitting comes to, float32[V, P, H, W, C]; each row is on its own."""
        import tensorflow as tf

        low, high, marked = limits

        def sloped(images: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(images)
                distance = apart(images)
            # Of images from 0 to 1, in steps of 255.
            return distance + self.beta * near(images), tape.gradient(distance, images) * 255

        def step(images: Any, slope: Any, length: Any, value: Any) -> tuple[Any, ...]:
            far = length[..., None, None, None]
            forward = images - far * slope * 255
            back = (forward + far * self.beta * 2 * marked) / (1 + far * self.beta * 2)
            tried = tf.clip_by_value(back, low, high)
            new, its_slope = sloped(tried)
            better = new < value
            pick = better[..., None, None, None]
            return (
                tf.where(pick, tried, images),
                tf.where(pick, its_slope, slope),
                tf.where(better, length * _LONGER, length * _SHORTER),
                tf.where(better, new, value),
            )

        value, slope = tf.function(sloped)(start)
        steepest = tf.reduce_max(tf.abs(slope), (2, 3, 4))
        state = (start, slope, _FIRST_STEP / tf.maximum(steepest, 1e-12), value)
        traced = tf.function(step)
        for _ in range(self.steps):
            state = traced(*state)
        return np.asarray(state[0])
