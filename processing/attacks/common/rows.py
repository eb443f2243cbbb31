"""How an attack's rows are taken: so many by a rate, drawn without replacement, or named one by one."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Rows
from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Pool, budget, choose


class RowsAttack(Attack):
    """An attack on rows of the training set: of those that it may take, some.

    Parameters
    ----------
    rate : float, optional
        How many rows are drawn, as a fraction of what `of` says.
    rows : tuple of int, optional
        Instead of a rate the very rows, counted from 0 in the training set that Preprocess made. In an entry
        also the path of a text file, a number a line.
    """

    rate: float | None = Field(default=None, gt=0, le=1)
    rows: tuple[Annotated[int, Field(ge=0)], ...] = ()

    @model_validator(mode="after")
    def _rate_or_rows(self) -> Self:
        if (self.rate is None) == (not self.rows):
            raise ValueError("give it a rate, or the rows, and not both")
        row, times = Counter(self.rows).most_common(1)[0] if self.rows else (0, 0)
        if times > 1:
            raise ValueError(f"row {row} is named twice")
        return self

    def check_counts(self, rows: int, of_class: int) -> None:
        """Raise ConfigError where the rate buys none or too many, or a named row lies outside."""
        if self.rate is not None:
            whole = of_class if getattr(self, "of", "train") == "class" else rows
            budget(self.rate, whole, of_class if self.takes_one_class() else rows, "of one class")
        elif max(self.rows) >= rows:
            raise ConfigError(f"row {max(self.rows)}", _outside(rows), "name other rows")

    def takes_one_class(self) -> bool:
        """Whether all rows that it may take are of one class."""
        return False

    def chosen(self, pool: Pool, rng: np.random.Generator, candidates: Rows, whole: int, what: str) -> Rows:
        """Return the rows of the pool that the attack takes, int64[M] in ascending order, M >= 1.

        Parameters
        ----------
        pool : Pool
        rng : numpy.random.Generator
        candidates : int64[...]
            The rows that it may take.
        whole : int
            Rows that the rate is a fraction of.
        what : str
            What the candidates are, for the errors: "of class 'bird'".

        Raises
        ------
        ConfigError
            If the rate buys none or more than there are, or a named row is none of the candidates.
        """
        if self.rate is not None:
            return choose(rng, candidates, budget(self.rate, whole, len(candidates), what))
        rows = np.sort(np.array(self.rows, np.int64))
        out = rows[~np.isin(rows, candidates)]
        if len(out):
            raise ConfigError(f"row {out[0]}", self._why_not(int(out[0]), pool, what), "name other rows")
        return rows

    def _why_not(self, row: int, pool: Pool, what: str) -> str:
        if row >= len(pool.y):
            return _outside(len(pool.y))
        if row not in pool.free:
            others = f", or {self.supplier} has not delivered it" if self.supplier else ""
            return f"an attack before it has taken that row{others}"
        return f"it is '{pool.classes[int(pool.y[row])]}', and the attack takes rows {what}"


def _outside(count: int) -> str:
    return f"the training set has {count}, from 0"
