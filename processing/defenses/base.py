"""What every screening detector has in common: what it is shown, and what it must return.

A detector is one file with one class, which is its own configuration. It sees what a defender has:
the suspect training set, a small trusted clean set, the victim's features. Never the trigger, the
truth or the test set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from boomerang.config import Strict
from boomerang.manifest import Images, Labels

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Suspect:
    """What a defender has.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
        The suspect training set, labels as given.
    trusted_x, trusted_y
        A small clean set that was never within the attacker's reach.
    classes : tuple of str
    embed : callable
        uint8[M, H, W, C] -> float32[M, D], the victim's penultimate layer.
    seed : int
    """

    x: Images
    y: Labels
    trusted_x: Images
    trusted_y: Labels
    classes: tuple[str, ...]
    embed: Callable[[Images], Features]
    seed: int

    @cached_property
    def features(self) -> Features:
        """float32[N, D] of the suspect rows, computed once for all detectors."""
        return self.embed(self.x)

    @cached_property
    def trusted_features(self) -> Features:
        """float32[M, D] of the trusted rows."""
        return self.embed(self.trusted_x)


@dataclass(frozen=True)
class Finding:
    """What a detector says.

    Attributes
    ----------
    scores : float64[N]
        Higher is more suspicious; finite.
    flagged : bool[N]
        Rows that the detector would take out.
    threshold : float or None
        The score above which a row is flagged, where one threshold holds for all rows.
    notes : mapping
        What it found, as plain JSON: per class, per rule.
    """

    scores: npt.NDArray[np.float64]
    flagged: npt.NDArray[np.bool_]
    threshold: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class Detector(Strict, ABC):
    """One entry of the screen."""

    title: ClassVar[str]
    source: ClassVar[str]

    kind: str

    @abstractmethod
    def screen(self, suspect: Suspect) -> Finding:
        """Score every row of the suspect training set."""
