"""Gradient matching, Witches' Brew: poison that teaches what the wrong label would (Geiping et al. 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from processing.attacks.common.clean_label import Aim, Bounded, Crafted

if TYPE_CHECKING:
    from training.model import ModelView

# Adam's rate of 255, and the shares of the steps after which it is a tenth of what it was.
_RATE, _FALLS = 0.025 * 255, (3 / 8, 5 / 8, 7 / 8)
_SHIFT, _TINY = 4, 1e-12


class GradientMatching(Bounded):
    """Align the gradient of the poisons' loss with that of the wrong label's loss on the attacked image.

    Geiping et al. 2021, section 3, algorithm 1: one minus the cosine of the two gradients, over all weights
    of the surrogate, is minimized by Adam on the signs of its slope, with a rate that falls to a tenth three
    times, through random shifts and mirrors, from several random starts of which the best is kept. It is
    made for training from scratch. There 1% of the training set is changed for a single image, by at most
    8 or 16 of 255, in 250 steps from each of eight starts; here 100 from one are the default, for their cost:
    ten images of 32 pixels with 25 rows each take 76 CPU-seconds on the network `fast`.

    Parameters
    ----------
    restarts : int
        Random starts.
    augment : bool
        Whether the images are shifted and mirrored at random in every step, as a victim's training does.
    """

    title = "gradient matching"
    example: ClassVar = {"target": "bird", "source": "dog", "victims": 2, "poisons": 3, "steps": 5}

    kind: Literal["gradient_matching"] = "gradient_matching"
    poisons: int = Field(default=25, ge=1, le=1000)
    steps: int = Field(default=100, ge=1, le=100_000)
    restarts: int = Field(default=1, ge=1, le=100)
    augment: bool = True

    def craft(self, surrogate: ModelView, aim: Aim) -> Crafted:
        """Return the changed rows, one victim's after the other's; see `CleanLabel.craft`."""
        import tensorflow as tf

        from processing.attacks.common.crafting import bounds, descent, moved

        matching = _Matching(surrogate, aim.target)
        chance, rng = tf.random.Generator.from_seed(aim.seed), np.random.default_rng(aim.seed)
        most = min(_SHIFT, min(aim.bases.shape[2:4]) - 1)

        def seen(images: Any) -> Any:
            return matching.apart(moved(images, most, chance) if self.augment else images)

        descend = descent(seen, self.steps, _RATE, signs=True, falls=_FALLS)
        made, values = [], []
        for victim, bases in zip(aim.victims, aim.bases, strict=True):
            matching.aim_at(victim)
            low, high = bounds(bases, self.eps)
            starts = [rng.uniform(low, high).astype(np.float32) for _ in range(self.restarts)]
            tried = [descend(bases, self.eps, start) for start in starts]
            reached = [matching.measure(x) for x in tried]
            made.append(tried[int(np.argmin(reached))])
            values.append((matching.measure(bases), min(reached)))
        return Crafted(np.stack(made), np.array(values, np.float32))


class _Matching:
    """How far the gradient that some images give points away from the one that is wanted.

    Parameters
    ----------
    surrogate : ModelView
    target : int
        The label that every image is taught with.
    """

    def __init__(self, surrogate: ModelView, target: int) -> None:
        import tensorflow as tf

        from processing.attacks.common.crafting import in_floats
        from training.model import LOGITS

        self._model, self._target = in_floats(surrogate.network, LOGITS), target
        self._wanted = [tf.Variable(tf.zeros(weight.shape)) for weight in self._model.trainable_variables]
        self._taught, self._asked = tf.function(self._gradient), tf.function(self.apart)

    def aim_at(self, victim: Images) -> None:
        """Take the gradient that uint8[H, W, C] would give as the one that is wanted."""
        for kept, gradient in zip(self._wanted, self._taught(self._floats(victim[None])), strict=True):
            kept.assign(gradient)

    def apart(self, images: Any) -> Any:
        """Return one minus the cosine between the gradient of float32[P, H, W, C] and the wanted one."""
        import tensorflow as tf

        inner, own, wanted = 0.0, 0.0, 0.0
        for got, due in zip(self._gradient(images), self._wanted, strict=True):
            inner += tf.reduce_sum(got * due)
            own += tf.reduce_sum(got**2)
            wanted += tf.reduce_sum(due**2)
        return 1 - inner / tf.maximum(tf.sqrt(own * wanted), _TINY)

    def measure(self, images: Images) -> float:
        """Return what `apart` says of uint8[P, H, W, C]."""
        return float(self._asked(self._floats(images)))

    def _gradient(self, images: Any) -> list[Any]:
        import keras
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logits = self._model(images, training=False)
            labels = tf.fill(tf.shape(images)[:1], self._target)
            losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            loss = tf.reduce_mean(losses)
        gradients: list[Any] = tape.gradient(loss, self._model.trainable_variables)
        return gradients

    def _floats(self, images: Images) -> Any:
        import tensorflow as tf

        return tf.constant(images.astype(np.float32))
