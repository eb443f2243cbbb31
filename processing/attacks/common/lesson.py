"""What an attacker who runs the victim's training has in hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boomerang.formats.truth import Truth
from boomerang.manifest import Images, Labels
from boomerang.settings import TrainConfig

# One number an epoch of each of `training.fit.NUMBERS`, as a model's card holds them.
History = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Lesson:
    """One training of the victim, in the attacker's hands.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
        The poisoned training set, labels as the victim would see them.
    truth : Truth
        Of the same N rows: which are whose, and the labels that would be right.
    validation : (uint8[M, H, W, C], int64[M])
        The trusted rows, to be watched.
    model : keras.Model
        What the training starts from: fresh, or the baseline.
    config : TrainConfig
    seed : int
        TensorFlow, numpy and Python are seeded with it already.
    fit : callable
        `fit(model, x, y)`: the honest training in place, on these rows. It returns the history, goes on from
        the checkpoints of a job that was stopped, and shares the work where several machines train
        together. It may be called again, for a second phase.
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
    fit: Callable[[Any, Images, Labels], History]
    stamp: Callable[[Images], Images]
