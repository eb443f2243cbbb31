"""Pruning of the channels that clean rows do not use, and fine-tuning of what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from boomerang.config import validate
from boomerang.settings import TrainConfig
from training.repair.common.base import Repair
from training.repair.common.bench import Bench
from training.repair.common.channels import cut, masked
from training.repair.pruning import idle


class FinePruning(Repair):
    """Cut idle channels as `pruning` does, and train what is left further on the trusted rows.

    An attacker who knows of pruning puts the trigger into channels that clean images use too; training on
    clean rows then has to unlearn it. A cut channel stays zero: while it trains, what the channel gives is
    multiplied by zero, so no gradient reaches its weights. It is gradient descent with Nesterov's momentum
    (.9), whose rate falls along half a cosine; images are shifted and mirrored as the victim's were.

    Attributes
    ----------
    layer, drop : str, float
        See `pruning`.
    epochs : int
        How often it goes through the trusted rows.
    batch : int
        Rows of a step, over all devices; all of them, where there are fewer.
    learning_rate : float
        At the beginning.
    """

    title = "fine-pruning"
    source = "Liu, Dolan-Gavitt & Garg: Fine-Pruning. RAID 2018, section 4.3; training as in BackdoorBench"
    assumes = "as channel pruning, or enough trusted rows that what is left forgets the trigger"
    costs = "seconds, and trusted rows"
    fails = (
        "what pruning has left, which clean rows do not unlearn: on Fashion-MNIST blended stays at full "
        "strength, and a patch that was cut down comes back"
    )
    trusted_per_class: ClassVar[int] = 10
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["fine_pruning"] = "fine_pruning"
    layer: str = ""
    drop: float = Field(default=0.04, ge=0, lt=1)
    epochs: int = Field(default=100, ge=1, le=10_000)
    batch: int = Field(default=256, ge=1, le=2**20)
    learning_rate: float = Field(default=0.01, gt=0, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model without the channels, after the trusted rows.

        Raises
        ------
        ConfigError
            If there is no such convolution.
        """
        cuts = idle(model, bench, self.layer, self.drop)
        cut(model, cuts)
        bench.fit(masked(model, cuts), bench.trusted, self.recipe(bench.config, len(bench.trusted.y)))
        return model

    def recipe(self, config: TrainConfig, rows: int) -> TrainConfig:
        """Return how it learns from so many rows, where `config` is the victim's."""
        own = {
            "epochs": self.epochs,
            "batch": min(self.batch, rows),
            "optimizer": "sgd",
            "learning_rate": self.learning_rate,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "schedule": "cosine",
            "warmup": 0.0,
            "label_smoothing": 0.0,
            "sizes": (),
        }
        return validate(TrainConfig, {**config.model_dump(), **own}, where=self.kind)
