"""Which images two runs got right, or were fooled on, where both answered the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from boomerang.formats.evaluation import Evaluation
from boomerang.formats.predictions import PREDICTIONS, AttackAnswers, Predictions, open_predictions
from boomerang.scoring import BoolArray

TwoHits: TypeAlias = tuple[BoolArray, BoolArray]
Hit: TypeAlias = Callable[[AttackAnswers], BoolArray]


@dataclass(frozen=True)
class Pairs:
    """The predictions of two runs on the same data.

    Attributes
    ----------
    both : (Predictions, Predictions) or None
        None where their test sets or their pictures are others, or one left no predictions.
    """

    both: tuple[Predictions, Predictions] | None

    @classmethod
    def of(cls, old: Evaluation, new: Evaluation) -> Pairs:
        """Return the pairs of two evaluations; raises BadInput or ConfigError if one is malformed."""
        digests = [_measured_on(each) for each in (old, new)]
        left = all((each.folder / PREDICTIONS).is_dir() for each in (old, new))
        if not left or digests[0] != digests[1]:
            return cls(None)
        return cls((open_predictions(old.folder), open_predictions(new.folder)))

    def right(self, model: str, attack: str = "") -> TwoHits | None:
        """Return bool[N] of both runs: the images that a model gives to their own class.

        They are the test images, or those that an attack is measured on. None where there are no pairs.
        """
        return self._hits(model, attack, lambda asked: asked.shown.calls[model] == asked.shown.y)

    def fooled(self, model: str, attack: str) -> TwoHits | None:
        """Return bool[N] of both runs: the images of an attack that a model gives to the attacker's class."""
        return self._hits(model, attack, lambda asked: asked.fooled(model))

    def _hits(self, model: str, attack: str, hit: Hit) -> TwoHits | None:
        if self.both is None:
            return None
        old, new = (_asked(run, attack) for run in self.both)
        if old is None or new is None or not len(new.shown.y) or not np.array_equal(old.shown.y, new.shown.y):
            return None
        if model not in old.shown.calls or model not in new.shown.calls:
            return None
        return hit(old), hit(new)


def _asked(run: Predictions, attack: str) -> AttackAnswers | None:
    """Return the answers to an attack's images, or those to the test set, at which nobody aims."""
    if not attack:
        return AttackAnswers("", "untargeted", None, run.test)
    return next((each for each in run.attacks if each.name == attack), None)


def _measured_on(evaluation: Evaluation) -> dict[str, str]:
    """Return the digests of what rates are counted on."""
    digests = evaluation.metrics.data.digests
    return {name: each for name, each in digests.items() if name == "test" or name.startswith("pictures ")}
