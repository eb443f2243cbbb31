"""What the attacks on a support vector machine share: two classes, and rows drawn from both."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Bools, Images, Labels, Rows
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pool import Batch, Pool, budget, label_of
from processing.attacks.common.references import ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON, references
from processing.attacks.common.rows import RowsAttack
from processing.attacks.common.svm_points import Arena, Doubles, Kernel, KernelName

_FEWEST = 4


class OnTwoClasses(RowsAttack):
    """An attack on two classes, which takes as many rows of either.

    Parameters
    ----------
    rate : float, optional
        How many rows are drawn, as a fraction of those of the two classes.
    mode : str
        `add` appends the poison; `replace` puts it in the place of the rows that it was made of.
    between : two names
        The two classes; they may be left out where the data has no others (`data.classes`).
    """

    outcome = "untargeted"
    references = references(ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON)

    mode: Literal["add", "replace"] = "add"
    between: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _two(self) -> OnTwoClasses:
        if self.between and len(set(self.between)) != 2:
            raise ValueError("between names two classes, or none where the data has two")
        return self

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Refuse data of which the attack does not know which two classes it is about."""
        if not self.between and len(classes) != 2:
            why = f"the data has {len(classes)} classes, and it works between two"
            raise ConfigError(self.title, why, "choose two with data.classes, or name them in `between`")
        for name in self.between:
            label_of(name, classes)

    def both(self, pool: Pool) -> tuple[int, int]:
        """Return the two classes."""
        self.check_classes(pool.classes)
        names = self.between or pool.classes
        return pool.label(names[0]), pool.label(names[1])

    def drawn(self, pool: Pool, rng: np.random.Generator) -> Rows:
        """Return the rows that the poison is made of, in random order; by a rate as many of either class.

        Rows that are copied may be another attack's too: they stay as they are.
        """
        labels = self.both(pool)
        candidates = pool.free if self.mode == "replace" else np.arange(len(pool.y))
        of_each = [candidates[pool.y[candidates] == label] for label in labels]
        if self.rate is None:
            return rng.permutation(self.chosen(pool, rng, np.concatenate(of_each), 0, "of its two classes"))
        whole, what = int(np.isin(pool.y, labels).sum()), "rows of the two classes, as many of either,"
        count = budget(self.rate, whole, 2 * min(map(len, of_each)), what)
        shares = count - count // 2, count // 2
        taken = [rng.choice(rows, share, replace=False) for rows, share in zip(of_each, shares, strict=True)]
        return rng.permutation(np.concatenate(taken))

    def batch(self, pool: Pool, rows: Rows, y: Labels, x: Images) -> Batch:
        """Return the poison, in the place of the rows that it was made of or beside them."""
        replaced = rows if self.mode == "replace" else rows[:0]
        return Batch(replaced=replaced, x=x, y=y, origin=rows, y_true=pool.y[rows])

    def between_words(self) -> str:
        """Return the two classes for a sentence; nothing where the data has no others."""
        return f" of {' and '.join(map(quoted, self.between))}" if self.between else ""


@dataclass(frozen=True)
class Deal:
    """What is done to each of the drawn rows.

    Attributes
    ----------
    flipped : bool[N]
        Whether it gets the other label.
    moved : bool[N]
        Whether its pixels are optimized.
    """

    flipped: Bools
    moved: Bools


class OnMachine(OnTwoClasses):
    """An attack that optimizes points against a support vector machine.

    Parameters
    ----------
    kernel, c, gamma
        Of the machine that the attacker has in mind, as in the architecture `svm`; best those of the victim.
        A `gamma` of 0 is taken from the clean rows and then stays.
    held_out : float
        Share of the clean rows that its machine does not learn from and whose loss it raises. With 0 it
        watches the rows that it learns from (as Steinhardt, Koh & Liang, NeurIPS 2017, do): nothing else is
        given to an attacker here, who never sees the trusted rows, and of few rows those held out would be
        missed.
    steps : int
        Machines that are solved for a point, at most.
    step : float
        Length of a point's first step, with pixels of 0..1.
    most_rows : int
        Clean rows that it works against, at most; of more they are drawn by lot.
    """

    kernel: KernelName = "linear"
    c: float = Field(default=1.0, gt=0, le=1e6)
    gamma: float = Field(default=0.0, ge=0, le=1e6)
    held_out: float = Field(default=0.0, ge=0, le=0.9)
    steps: int = Field(default=20, ge=1, le=1000)
    step: float = Field(default=1.0, gt=0, le=100)
    most_rows: int = Field(default=1000, ge=_FEWEST, le=5000)

    example: ClassVar = {"rows": [2, 3, 6], "between": ["cat", "dog"], "steps": 3, "most_rows": 40}

    @abstractmethod
    def deal(self, count: int) -> Deal:
        """Return what is done to so many rows."""

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the poison, each point optimized against the machine with those before it."""
        rows = self.drawn(pool, rng)
        first, second = self.both(pool)
        deal = self.deal(len(rows))
        learned, watched = self._known(pool, rows, rng)
        rows = self._starts(pool, rows, watched, deal, rng)
        arena = self._arena(pool, learned, watched, second)
        y = np.where(deal.flipped, first + second - pool.y[rows], pool.y[rows])
        x = np.array(pool.x[rows])
        for place, label in enumerate(np.where(y == second, 1, -1)):
            point = flat(x[place : place + 1])[0]
            if deal.moved[place]:
                point = arena.moved(point, int(label), self.steps, self.step)
                x[place] = np.rint(point * 255).astype(np.uint8).reshape(x.shape[1:])
            arena.add(point, int(label))
        return self.batch(pool, rows, y, x)

    def _known(self, pool: Pool, poisoned: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Return the rows that the attacker's machine learns from, and those whose loss it watches."""
        known = np.flatnonzero(np.isin(pool.y, self.both(pool)))
        if len(known) > self.most_rows:
            known = np.sort(rng.choice(known, self.most_rows, replace=False))
        watched = learned = known
        if self.held_out:
            watched = np.sort(rng.choice(known, max(1, round(self.held_out * len(known))), replace=False))
            learned = np.setdiff1d(known, watched)
        if self.mode == "replace":
            learned = np.setdiff1d(learned, poisoned)
        for rows in (learned, watched):
            if len(np.unique(pool.y[rows])) < 2 or len(rows) < _FEWEST:
                why = f"it has {len(rows)} clean rows to work against, and needs {_FEWEST} of two classes"
                raise ConfigError(self.title, why, "lower `rate` or `held_out`, or give more rows")
        return learned, watched

    def _starts(self, pool: Pool, rows: Rows, watched: Rows, deal: Deal, rng: np.random.Generator) -> Rows:
        """Return where each point starts: one that keeps its label on a row that was held out, if any was."""
        kept = np.flatnonzero(~deal.flipped)
        if not self.held_out or self.mode == "replace" or not len(kept):
            return rows
        if len(watched) < len(kept):
            why = f"{len(kept)} points start on rows that were held out, and there are {len(watched)}"
            raise ConfigError(self.title, why, "raise `held_out`, or lower `rate`")
        rows = rows.copy()
        rows[kept] = rng.choice(watched, len(kept), replace=False)
        return rows

    def _arena(self, pool: Pool, learned: Rows, watched: Rows, second: int) -> Arena:
        x, seen = flat(pool.x[learned]), flat(pool.x[watched])
        signs = [np.where(pool.y[rows] == second, 1, -1).astype(np.int64) for rows in (learned, watched)]
        variance = float(x.var())
        gamma = self.gamma or (1 / (x.shape[1] * variance) if variance else 1.0)
        return Arena(Kernel(self.kernel, gamma), self.c, x, signs[0], seen, signs[1])


def flat(x: npt.NDArray[np.uint8]) -> Doubles:
    """Return float64[N, H * W * C] in 0..1, as the machine sees images."""
    return x.reshape(len(x), -1) / 255
