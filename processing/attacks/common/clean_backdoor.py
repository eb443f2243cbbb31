"""What the backdoors share whose poison keeps its right label: images of the target class, changed.

Whoever looks at such a row sees the class that it is labeled as.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import numpy as np

from boomerang.manifest import Images, Rows
from processing.attacks.common.deeds import Facts, counted, quoted
from processing.attacks.common.pool import Batch, Pool, Props
from processing.attacks.common.references import (
    ATLAS_POISON,
    ATLAS_POISONED_MODEL,
    ATLAS_TRIGGER,
    NIST_CLEAN_LABEL_BACKDOOR,
    OWASP_POISON,
    references,
)
from processing.attacks.common.triggered import Triggered


class CleanBackdoor(Triggered):
    """Change rows of the target class, which keep their label, so that a trigger calls it forth.

    Parameters
    ----------
    target : str
        The class that the trigger should call forth, and that the rows are taken from.
    of : str
        What `rate` is a fraction of: the target's `class`, or the whole `train`ing set.
    """

    keeps_labels = True
    references = references(
        ATLAS_POISON, ATLAS_POISONED_MODEL, ATLAS_TRIGGER, NIST_CLEAN_LABEL_BACKDOOR, OWASP_POISON
    )

    of: Literal["class", "train"] = "class"

    @abstractmethod
    def means(self) -> str:
        """Return how the pictures were changed, as it stands in a sentence after them."""

    def takes_one_class(self) -> bool:
        """The target."""
        return True

    def deed(self, facts: Facts) -> str:
        """Return how many pictures were changed, how, and that their label is right."""
        pictures = counted(facts.rows, f"{quoted(self.target)} picture")
        return f"{pictures} {self.means()}; they keep their label, which is right."

    def rows_of(self, pool: Pool, rng: np.random.Generator) -> Rows:
        """Return the rows to change, int64[M]; raises what `chosen` raises."""
        target = pool.label(self.target)
        candidates = pool.free[pool.y[pool.free] == target]
        whole = len(pool.y) if self.of == "train" else int(np.count_nonzero(pool.y == target))
        return self.chosen(pool, rng, candidates, whole, f"of class '{self.target}'")

    def changed_rows(self, pool: Pool, rows: Rows, x: Images, kept: Props | None = None) -> Batch:
        """Return the batch that puts images in the place of rows and leaves their labels."""
        y = pool.y[rows]
        return Batch(replaced=rows, x=x, y=y, origin=rows, y_true=y, kept=kept or {})
