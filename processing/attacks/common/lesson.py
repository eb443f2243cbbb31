"""What an attacker who runs the victim's training has in hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from boomerang.formats.truth import Truth
from boomerang.manifest import Images, Labels
from boomerang.settings import TrainConfig

# One number an epoch of each of `training.fit.NUMBERS`, as a model's card holds them.
History = Mapping[str, tuple[float, ...]]
# What is learned: model, images, labels -> a loss a row, and the answers; see `Loss` of
# `training.learning.descent`.
Loss = Callable[[Any, Any, Any], tuple[Any, Any]]


class Fit(Protocol):
    """The honest training, as an attacker may use it."""

    def __call__(self, model: Any, x: Images, y: Labels, *, loss: Loss | None = None) -> History:
        """Train a model in place on these rows and return its history; see `training.fit.fit`.

        It goes on from the checkpoints of a job that was stopped, and shares the work where several machines
        train together. Each further call is a phase with checkpoints of its own.

        Parameters
        ----------
        model : keras.Model
        x : uint8[M, H, W, C], 0..255
        y : int64[M]
        loss : Loss, optional
            Without it the honest one, cross entropy.
        """


@dataclass(frozen=True)
class Lesson:
    """One training of the victim, in the attacker's hands.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
        Mapped, and perhaps larger than memory: `fit` takes it as it is, and who goes through it himself takes
        `boomerang.blocks`.
    y : int64[N]
        The poisoned training set, labels as the victim would see them; before it the rows of the past, where
        there are any.
    truth : Truth
        Of the same N rows: which are whose, and the labels that would be right.
    validation : (uint8[M, H, W, C], int64[M])
        The trusted rows, to be watched.
    model : keras.Model
        What the training starts from: fresh, or the baseline.
    config : TrainConfig
    seed : int
        TensorFlow, numpy and Python are seeded with it already.
    fit : Fit
        The honest training, with the settings of this job.
    stamp : callable
        uint8[M, H, W, C] -> the same with the attack's trigger; TypeError if it has none.
    """

    x: Images
    y: Labels
    truth: Truth
    validation: tuple[Images, Labels]
    model: Any
    config: TrainConfig
    seed: int
    fit: Fit
    stamp: Callable[[Images], Images]
