"""Plain fine-tuning on the trusted rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from training.repair.common.bench import Bench
from training.repair.common.tuning import Tuning


class FineTuning(Tuning):
    """Train the model further on the trusted rows, all of it, and hope that it forgets the rest.

    The simplest repair, and the control beside all others that have the same rows: what they are worth is
    what they do better.
    """

    title = "fine-tuning"
    source = "Liu, Dolan-Gavitt & Garg: Fine-Pruning. RAID 2018, section 4.2; settings of BackdoorBench"
    assumes = "enough trusted rows that the model forgets what they do not need"
    costs = "seconds, and trusted rows"
    fails = "?"
    example: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    kind: Literal["fine_tuning"] = "fine_tuning"

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model after the trusted rows."""
        bench.fit(model, bench.trusted, self.recipe(bench, len(bench.trusted.y)))
        return model
