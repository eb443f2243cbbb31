"""Fine-tuning along the way from the poisoned weights, so that the backdoor does not come back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images, Labels
from training.labeled import Labeled, joined
from training.model import embedder
from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning


class Pam(Tuning):
    """Minimize the loss on the way back to the poisoned weights (PAM, Min et al. 2024).

    Other repairs stop near the poisoned model, and a few poisoned rows bring the backdoor back. Here each
    gradient is taken a step back on the straight way to the poisoned weights, so the model has to leave the
    region where that way is bad. The first step is plain: there is no way yet.

    Min et al. put an image with a reversed trigger and its true label beside every four clean ones. Here rows
    that the screen flagged stand in for those, each called by the class, other than its own label's, of the
    trusted row with the nearest features. Where nothing was flagged it goes without, and the log says so.

    Attributes
    ----------
    rho : float
        How far back the gradient is taken: the Euclidean length over all weights.
    flagged : float
        Share of flagged rows among those that it learns from; fewer where there are fewer.
    """

    title = "path-aware minimization (PAM)"
    source = (
        "Min et al.: Uncovering, Explaining, and Mitigating the Superficial Safety of Backdoor Defense. "
        "NeurIPS 2024"
    )
    assumes = "the backdoor is worse on the way back than at either end; flagged rows have wrong labels"
    costs = "half as much again as fine-tuning, and trusted rows"
    fails = "?"
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["pam"] = "pam"
    rho: float = Field(default=0.5, gt=0, le=1000)
    flagged: float = Field(default=0.2, ge=0, lt=1)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model after the trusted rows, and perhaps some flagged ones under other labels."""
        poisoned = bench.cluster.share([np.array(v) for v in model.trainable_variables])
        rows = self.rows(model, bench)
        bench.fit(model, rows, self.recipe(bench, len(rows.y)), offset=partial(back, poisoned, self.rho))
        return model

    def rows(self, model: Any, bench: Bench) -> Labeled:
        """Return what is learned from: the trusted rows, and after them the relabeled ones."""
        found = np.flatnonzero(bench.flagged)
        count = min(len(found), round(len(bench.trusted.y) * self.flagged / (1 - self.flagged)))
        if count == 0:
            bench.say("no flagged row is relabeled: it learns from the trusted rows alone")
            return bench.trusted
        rows = np.sort(np.random.default_rng(bench.seed).choice(found, count, replace=False))
        x, y = np.asarray(bench.rows.x[rows]), bench.rows.y[rows]
        # Only the chief's model is what the repair before this one made of it.
        (labels,) = bench.cluster.share([nearest_others(model, bench.trusted, x, y)])
        bench.say(f"{count} of {len(found)} flagged rows are relabeled")
        return joined(bench.trusted, Labeled(x, labels))


def back(poisoned: list[Any], rho: float, weights: list[Any], _: list[Any]) -> list[Any]:
    """Return the offsets of a length from the weights towards the poisoned ones; at those, of zeros."""
    import tensorflow as tf

    way = [there - here for there, here in zip(poisoned, weights, strict=True)]
    length = tf.linalg.global_norm(way)
    return [tf.math.divide_no_nan(rho * each, length) for each in way]


def nearest_others(model: Any, trusted: Labeled, x: Images, y: Labels) -> Labels:
    """Return int64[N], the labels of the trusted rows of other labels with the nearest features.

    Parameters
    ----------
    model : keras.Model
    trusted : Labeled
        Of two labels or more.
    x, y : uint8[N, H, W, C], int64[N]
    """
    embed = embedder(model)
    known, asked = embed(trusted.x), embed(x)
    squares = (known**2).sum(1) - 2 * asked @ known.T  # but for the asked row's own length
    squares[y[:, None] == trusted.y] = np.inf
    nearest: Labels = trusted.y[squares.argmin(1)]
    return nearest
