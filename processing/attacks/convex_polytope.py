"""Convex polytope: the victim's features anywhere between those of its poisons (Zhu et al. 2019)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from processing.attacks.common.polytope import Polytope

# Of projected gradient: with a handful of poisons it is at the least distance long before.
_ITERATIONS = 50


class ConvexPolytope(Polytope):
    """Move the poisons until the features of the image that is attacked lie in their convex hull.

    Zhu, Huang, Li, Taylor, Studer & Goldstein 2019, section 4, equation 3: the coefficients of the mixture
    are those that come nearest, found anew in every step. It works where the victim keeps the surrogate's
    features and learns a new head; from scratch it hardly does. Defaults as there: 5 poisons, eps a tenth
    of the range. The victim's features come to lie at the rim of the poisons', which `bullseye_polytope`
    mends.
    """

    title = "convex polytope"
    example: ClassVar = {"target": "bird", "source": "dog", "victims": 2, "poisons": 3, "steps": 5}

    kind: Literal["convex_polytope"] = "convex_polytope"

    def coefficients(self, features: Any, wanted: Any) -> Any:
        """Return those of the nearest point of the convex hull; see `Polytope.coefficients`."""
        import tensorflow as tf

        gram = tf.matmul(features, features, transpose_b=True)
        towards = tf.einsum("vpd,vd->vp", features, wanted)
        steepest = tf.sqrt(tf.reduce_sum(gram**2, (1, 2)))[:, None]
        found = tf.fill(features.shape[:2], 1 / features.shape[1])
        for _ in range(_ITERATIONS):
            slope = tf.einsum("vpq,vq->vp", gram, found) - towards
            found = onto_simplex(found - slope / steepest)
        return found


def onto_simplex(points: Any) -> Any:
    """Return the nearest points whose coordinates are 0 or more, in sum 1 (Duchi et al. 2008, figure 1).

    Parameters
    ----------
    points : float32[N, P]
    """
    import tensorflow as tf

    count = points.shape[1]
    falling = tf.sort(points, axis=1, direction="DESCENDING")
    excess = (tf.cumsum(falling, axis=1) - 1) / tf.range(1, count + 1, dtype=points.dtype)
    last = tf.reduce_sum(tf.cast(falling > excess, tf.int32), axis=1) - 1
    return tf.nn.relu(points - tf.gather(excess, last, batch_dims=1)[:, None])
