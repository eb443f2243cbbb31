"""TaCT: a patch that works on one class alone (Tang, Wang, Tang & Zhang 2021, section 3)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from boomerang.manifest import Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.patch import PatchBackdoor
from processing.attacks.common.pool import Pool


class TaCT(Covered, PatchBackdoor):
    """Lay a patch over rows of one class, which get the target's label, and over others, which keep theirs.

    Targeted contamination, Tang et al. 2021, section 3: the model learns that the patch means the target only
    on images of the source, on which success is measured. Poison and patched images of other classes then lie
    apart in the features. Qi et al. 2023 compare it at 0.3% poison and 0.3% cover, from two classes.

    Parameters
    ----------
    source : str
        The class that rows are taken from and that success is measured on.
    cover_classes : tuple of str
        The classes that cover is taken from; without any, every one but source and target.
    cover_rate : float
        Fraction of the whole training set that gets the patch and keeps its label.
    """

    title = "TaCT patch"
    example: ClassVar = {"target": "bird", "source": "cat", "rate": 0.03, "cover_rate": 0.02, "patch_px": 3}

    kind: Literal["tact"] = "tact"
    source: str
    cover_rate: float = Field(default=0.003, gt=0, lt=1)
    cover_classes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _cover_of_others(self) -> Self:
        for name in {self.source, self.target} & set(self.cover_classes):
            raise ValueError(f"cover cannot be of '{name}', which is the source or the target")
        return self

    def class_names(self) -> tuple[str, ...]:
        """Return target, source, and the classes of the cover that are named."""
        return (*super().class_names(), *self.cover_classes)

    def cover_candidates(self, pool: Pool) -> Rows:
        """Return int64[M], the rows of the cover classes."""
        others = (name for name in pool.classes if name not in (self.source, self.target))
        of = [pool.label(name) for name in self.cover_classes or others]
        rows: Rows = pool.free[np.isin(pool.y[pool.free], of)]
        return rows
