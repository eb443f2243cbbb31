"""Pruning of the channels that clean rows do not use, and fine-tuning of what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from training.learning.channels import cut, masked
from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning
from training.repair.pruning import idle


class FinePruning(Tuning):
    """Cut idle channels as `pruning` does, and train what is left further on the trusted rows.

    An attacker who knows of pruning puts the trigger into channels that clean images use too; training on
    clean rows then has to unlearn it. A cut channel stays zero: while it trains, what the channel gives is
    multiplied by zero, so no gradient reaches its weights. It is gradient descent with Nesterov's momentum
    (.9), whose rate falls along half a cosine; images are shifted and mirrored as the victim's were.

    Attributes
    ----------
    layer : str
        See `pruning`.
    drop : float
        See `pruning`.
    """

    title = "fine-pruning"
    source = "Liu, Dolan-Gavitt & Garg: Fine-Pruning. RAID 2018, section 4.3; training as in BackdoorBench"
    assumes = "as channel pruning, or enough trusted rows that what is left forgets the trigger"
    costs = "seconds, and trusted rows"
    fails = (
        "what pruning has left, which clean rows do not unlearn: on Fashion-MNIST blended stays at full "
        "strength, and a patch that was cut down comes back"
    )
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["fine_pruning"] = "fine_pruning"
    layer: str = ""
    drop: float = Field(default=0.04, ge=0, lt=1)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model without the channels, after the trusted rows.

        Raises
        ------
        ConfigError
            If there is no such convolution.
        """
        cuts = idle(model, bench, self.layer, self.drop)
        cut(model, cuts)
        bench.fit(masked(model, cuts), bench.trusted, self.recipe(bench, len(bench.trusted.y)))
        return model
