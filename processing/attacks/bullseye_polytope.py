"""Bullseye polytope: the victim's features in the very middle of its poisons' (Aghakhani et al. 2021)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from processing.attacks.common.polytope import Polytope


class BullseyePolytope(Polytope):
    """Move the mean of the poisons' features to the features of the image that is attacked.

    Aghakhani, Meng, Wang, Kruegel & Vigna 2021, section 3: the convex polytope attack with all coefficients
    held at one over the number of poisons. It works where the victim keeps the surrogate's features and
    learns a new head; from scratch it hardly does. Defaults as there: 5 poisons, eps a tenth of the range.
    """

    title = "bullseye polytope"
    example: ClassVar = {"target": "bird", "source": "dog", "victims": 2, "poisons": 3, "steps": 5}

    kind: Literal["bullseye_polytope"] = "bullseye_polytope"

    def coefficients(self, features: Any, wanted: Any) -> Any:
        """Return one over the number of poisons for each; see `Polytope.coefficients`."""
        import tensorflow as tf

        return tf.fill(features.shape[:2], 1 / features.shape[1])
