"""What every screening detector has in common: what it is shown, and what it must return.

A detector is one file with one class, which is its own configuration. It sees what a defender has:
the suspect training set, a small trusted clean set, the victim's features. Never the trigger, the
truth or the test set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from boomerang.config import Strict
from boomerang.manifest import Images, Labels

Features = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


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
    found : bool[N] or None
        Rows that a detector which `sets_aside` has flagged before; None is no row.
    """

    x: Images
    y: Labels
    trusted_x: Images
    trusted_y: Labels
    classes: tuple[str, ...]
    embed: Callable[[Images], Features]
    seed: int
    found: Bools | None = None

    @property
    def left(self) -> Bools:
        """bool[N], the rows to learn from: those that were not set aside."""
        return np.ones(len(self.y), bool) if self.found is None else ~self.found

    def without(self, found: Bools) -> Suspect:
        """Return the same with more rows set aside; features that are known are kept."""
        later = replace(self, found=~self.left | found)
        known = ("features", "trusted_features")
        later.__dict__.update({name: self.__dict__[name] for name in known if name in self.__dict__})
        return later

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
    # Whether its findings are facts about a row (it is a copy of another) and no matter of statistics.
    # Detectors after it score those rows too, but do not learn from them: ten copies of a picture would
    # else decide in which direction their class varies, and hide what is rarer.
    sets_aside: ClassVar[bool] = False

    kind: str

    @abstractmethod
    def screen(self, suspect: Suspect) -> Finding:
        """Score every row of the suspect training set; learn from those that are `left`."""
