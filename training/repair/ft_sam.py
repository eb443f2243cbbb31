"""Fine-tuning that leaves the sharp minimum in which a backdoor sits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning


class FtSam(Tuning):
    """Fine-tune with sharpness-aware minimization on the trusted rows (FT-SAM, Zhu et al. 2023).

    A backdoor hangs on a few channels of large weights, which plain fine-tuning does not move: the clean
    rows' loss is flat there. Here the gradient is not that at the weights but where that loss is highest near
    them, within a radius that is measured in each weight's own size; so the large ones are moved most.

    Zhu et al. have 2,500 rows of CIFAR-10 and a network of 11 million weights. Momentum and weight decay are
    ours, see below, theirs are plain and in the gradient.

    Attributes
    ----------
    rho : float
        The radius, see `sharpest`.
    """

    title = "FT-SAM"
    source = (
        "Zhu et al.: Enhancing Fine-Tuning Based Backdoor Defense with Sharpness-Aware Minimization. "
        "ICCV 2023"
    )
    assumes = "the backdoor hangs on large weights that the trusted rows do not need"
    costs = "twice the time of fine-tuning, and trusted rows"
    fails = "?"
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["ft_sam"] = "ft_sam"
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    rho: float = Field(default=2.0, gt=0, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model after the trusted rows."""
        recipe = self.recipe(bench, len(bench.trusted.y))
        bench.fit(model, bench.trusted, recipe, offset=partial(sharpest, self.rho))
        return model


def sharpest(rho: float, weights: list[Any], gradients: list[Any]) -> list[Any]:
    """Return the offsets to where the loss is highest near the weights, to first order.

    Adaptive sharpness-aware minimization (Kwon et al. 2021): rho w^2 g / || |w| g ||, the norm over all
    weights.
    """
    import tensorflow as tf

    scaled = [tf.abs(w) * g for w, g in zip(weights, gradients, strict=True)]
    norm = tf.linalg.global_norm(scaled)
    return [tf.math.divide_no_nan(rho * tf.abs(w) * s, norm) for w, s in zip(weights, scaled, strict=True)]
