"""What repairs have in common that train the model further on the trusted rows."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from boomerang.settings import TrainConfig
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Tuning(Repair):
    """Training further on the trusted rows, by gradient descent with momentum (.9, Nesterov's).

    Images are shifted and mirrored as the victim's were. The weight decay, 5e-4 as in BackdoorBench, is
    decoupled, of kernels alone. A batch is of 256 rows there; with 64, 500 rows have nearly as many steps as
    2,500 have there.

    Attributes
    ----------
    epochs : int
        How often it goes through its rows.
    batch : int
        Rows of a step, over all devices; all of them, where there are fewer.
    learning_rate : float
        At the beginning; it falls to zero along half a cosine.
    label_smoothing : float
        Share of a row's certainty that is spread over all classes.
    """

    trusted_per_class: ClassVar[int] = 10

    epochs: int = Field(default=100, ge=1, le=10_000)
    batch: int = Field(default=64, ge=1, le=2**20)
    learning_rate: float = Field(default=0.01, gt=0, le=1000)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    def recipe(self, bench: Bench, rows: int) -> TrainConfig:
        """Return how the model learns from so many rows."""
        return self.training(
            bench.config,
            epochs=self.epochs,
            batch=min(self.batch, rows),
            optimizer="sgd",
            learning_rate=self.learning_rate,
            momentum=0.9,
            weight_decay=5e-4,
            schedule="cosine",
            warmup=0.0,
            label_smoothing=self.label_smoothing,
        )
