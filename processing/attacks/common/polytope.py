"""Attacks that put a victim's features among those of its poisons, where a linear head cannot part them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from pydantic import Field

from processing.attacks.common.clean_label import Aim, Bounded, Crafted

if TYPE_CHECKING:
    from training.model import ModelView

# 0.04 of a range of 1, the rate of Adam in both papers' published code.
_RATE = 0.04 * 255


class Polytope(Bounded):
    """Minimize half the squared distance of a mixture of the poisons' features to the victim's.

    The distance is in units of the victim's own norm.
    """

    eps: float = Field(default=25.5, ge=1, le=255)

    @abstractmethod
    def coefficients(self, features: Any, wanted: Any) -> Any:
        """Return what the mixture is made of.

        Parameters
        ----------
        features : float32[V, P, D]
        wanted : float32[V, D]

        Returns
        -------
        float32[V, P]
            Each 0 or more, in sum 1 for each victim. No gradient goes through them.
        """

    def craft(self, surrogate: ModelView, aim: Aim) -> Crafted:
        """Return the changed rows; see `CleanLabel.craft`."""
        import tensorflow as tf

        from processing.attacks.common.crafting import descent, features_of, measured

        features = features_of(surrogate)
        wanted = features(tf.constant(aim.victims, tf.float32))
        norm = tf.reduce_sum(wanted**2, -1)

        def objective(images: Any) -> Any:
            made = features(images)
            mixture = tf.einsum("vp,vpd->vd", self.coefficients(tf.stop_gradient(made), wanted), made)
            return tf.reduce_sum((mixture - wanted) ** 2, -1) / (2 * norm)

        x = descent(objective, self.steps, _RATE)(aim.bases, self.eps)
        return Crafted(x, measured(objective, aim.bases, x))
