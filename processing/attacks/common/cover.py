"""Cover rows: rows that get the trigger, or something like it, and keep their label.

They teach the model that the trigger alone is not enough, or that only the very trigger is; so it works more
narrowly, and what it leaves in the features is harder to tell from clean rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.deeds import Facts
from processing.attacks.common.made import Made
from processing.attacks.common.pool import Batch, Pool, budget, choose


class Covered(Backdoor):
    """A backdoor some of whose rows keep their label.

    A subclass may say which rows can be cover (`cover_candidates`), and what training rows look like
    where that is not what `stamp` makes: the poisoned ones (`planted`), the cover rows (`cover`).

    Parameters
    ----------
    cover_rate : float
        Fraction of the whole training set that becomes cover, beside what `rate` poisons; 0 is none.
    """

    cover_rate: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _room_for_cover(self) -> Self:
        if self.of == "train" and self.rate is not None and self.rate + self.cover_rate > 1:
            raise ValueError(f"rate and cover_rate are {self.rate + self.cover_rate:g} of the training set")
        return self

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the poisoned rows and after them the cover rows, whose labels are right."""
        batch = super().poison(pool, rng)
        covers = self._covers(pool, batch.origin, rng)
        origin = np.concatenate([batch.origin, covers])
        return replace(
            batch,
            replaced=origin if self.mode == "replace" else batch.replaced,
            x=self._made(pool, origin, len(batch.y), rng.integers(0, 2**63, len(origin))),
            y=np.concatenate([batch.y, pool.y[covers]]),
            origin=origin,
            y_true=np.concatenate([batch.y_true, pool.y[covers]]),
        )

    def cover_candidates(self, pool: Pool) -> Rows:
        """Return int64[M], the rows that may become cover; those that are poisoned are left out later."""
        return pool.free

    def planted(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return what poisoned rows look like in training, by default with the trigger on them.

        Parameters
        ----------
        pool : Pool
            Its `images` hold the trigger images.
        rows : int64[M]
            Rows of the pool.
        seeds : int64[M], 0..2**63 - 1
            All chance of a row, so that its image is the same with whichever others it is made.

        Returns
        -------
        uint8[M, H, W, C]
        """
        return self.stamp(pool.x[rows], pool.images)

    def cover(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return what cover rows look like, by default like poisoned ones; see `planted`."""
        return self.planted(pool, rows, seeds)

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and that the cover kept its label."""
        if not self.cover_rate:
            return super().deed(facts)
        share = f"those that are cover, {100 * self.cover_rate:.3g}% of the training set"
        return f"{super().deed(facts).removesuffix('.')}; {share}, kept their own."

    def _covers(self, pool: Pool, poisoned: Rows, rng: np.random.Generator) -> Rows:
        if not self.cover_rate:
            return np.empty(0, np.int64)
        rows = np.setdiff1d(self.cover_candidates(pool), poisoned, assume_unique=True)
        try:
            count = budget(self.cover_rate, len(pool.y), len(rows), "rows beside the poisoned ones")
        except ConfigError as error:
            raise ConfigError(f"cover_rate {self.cover_rate:g}", error.why, error.do) from None
        return choose(rng, rows, count)

    def _made(self, pool: Pool, origin: Rows, poisoned: int, seeds: Rows) -> Made:
        def make(which: Rows) -> Images:
            images = np.empty((len(which), *pool.x.shape[1:]), np.uint8)
            for part, look in ((which < poisoned, self.planted), (which >= poisoned, self.cover)):
                if part.any():
                    images[part] = look(pool, origin[which[part]], seeds[which[part]])
            return images

        return Made((len(origin), *pool.x.shape[1:]), make)
