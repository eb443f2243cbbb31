"""What all dirty-label backdoors share: a trigger on some images, which then get the target's label.

A new backdoor is a subclass with settings of its own, a `stamp`, and a `mark` that says what that leaves.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.deeds import Facts, counted, quoted, sentence
from processing.attacks.common.made import Made
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.references import (
    ATLAS_POISON,
    ATLAS_POISONED_MODEL,
    ATLAS_TRIGGER,
    NIST_BACKDOOR,
    OWASP_POISON,
    references,
)
from processing.attacks.common.triggered import Triggered


class Backdoor(Triggered):
    """Put a trigger on chosen rows and label them as the target class.

    Parameters
    ----------
    source : str, optional
        The class that rows are taken from and that success is measured on; without it every class
        but the target.
    of : str
        What `rate` is a fraction of: the whole `train`ing set, or one `class`: the source, and
        where there is none the target.
    mode : str
        `replace` poisons the rows in place; `add` appends poisoned copies and leaves them.
    """

    references = references(ATLAS_POISON, ATLAS_POISONED_MODEL, ATLAS_TRIGGER, NIST_BACKDOOR, OWASP_POISON)

    of: Literal["train", "class"] = "train"
    mode: Literal["replace", "add"] = "replace"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the triggered rows; raises ConfigError where the trigger cannot be put onto an image."""
        rows = self._rows(pool, rng)
        triggered = self._triggered(pool, rows)
        triggered[:1]  # raises before anything is made
        return Batch(
            replaced=rows if self.mode == "replace" else np.empty(0, np.int64),
            x=triggered,
            y=self.given(pool, rows),
            origin=rows,
            y_true=pool.y[rows],
        )

    def given(self, pool: Pool, rows: Rows) -> Labels:
        """Return int64[M]: the labels that the rows get, each the target's."""
        return np.full(len(rows), pool.label(self.target), np.int64)

    def takes_one_class(self) -> bool:
        """The source, where there is one."""
        return self.source is not None

    def check_change(self, change: Images) -> None:
        """Raise ConfigError where most images already look like that."""
        unchanged = int(np.count_nonzero(change == 0))
        if unchanged * 2 > len(change):
            why = f"it leaves {unchanged} of {len(change)} images as they were"
            raise ConfigError("trigger", why, "choose another color, image or place")

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and that they got the label."""
        source = f"{quoted(self.source)} " if self.source else ""
        pictures, label = counted(facts.rows, f"{source}picture"), quoted(self.target)
        if self.mode == "add":
            return f"Copies of {pictures} with {self.mark()} on them, added with the label {label}."
        return f"{sentence(self.mark())} put on {pictures}, which then got the label {label}."

    def mark(self) -> str:
        """Return what the trigger looks like, as it stands in a sentence."""
        return f"a hidden mark ({self.title})"

    def _rows(self, pool: Pool, rng: np.random.Generator) -> Rows:
        target = pool.label(self.target)
        source = None if self.source is None else pool.label(self.source)
        y = pool.y[pool.free]
        candidates = pool.free[y != target if source is None else y == source]
        of_class = target if source is None else source
        whole = len(pool.y) if self.of == "train" else int(np.count_nonzero(pool.y == of_class))
        what = f"outside class '{self.target}'" if self.source is None else f"of class '{self.source}'"
        return self.chosen(pool, rng, candidates, whole, what)

    def _triggered(self, pool: Pool, rows: Rows) -> Made:
        def make(which: Rows) -> Images:
            images: Images = pool.x[rows[which]]
            self.stamp_in_place(images, pool.images)
            return images

        return Made((len(rows), *pool.x.shape[1:]), make)
