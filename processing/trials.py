"""Which images each attack of a recipe is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from boomerang.manifest import Dataset
from processing.attacks.trigger import Trigger
from processing.datasets.base import Rows
from processing.judge import Trial


def trials(triggers: Sequence[Trigger], test: Dataset, photos: Mapping[str, Dataset]) -> tuple[Trial, ...]:
    """Return one trial an attack, in the order of the recipe.

    A backdoor is measured on test images with the trigger, of the source class or of every class but
    the target; an attack with pictures on those pictures; a targeted flip on the test images of the
    source class.
    """
    return tuple(_trial(trigger, test, photos) for trigger in triggers)


def _trial(trigger: Trigger, test: Dataset, photos: Mapping[str, Dataset]) -> Trial:
    target = None if trigger.target is None else test.classes.index(trigger.target)
    if target is None or trigger.outcome == "untargeted":
        return _make(trigger, None, test, np.empty(0, np.int64))
    if trigger.pictures:
        x = np.concatenate([photos[name].x for name in trigger.pictures])
        y = np.concatenate([photos[name].y for name in trigger.pictures])
        return Trial(trigger.name, trigger.kind, trigger.outcome, target, x, None, y)
    labels = np.asarray(test.y)
    chosen = labels != target if trigger.source is None else labels == test.classes.index(trigger.source)
    return _make(trigger, target, test, np.flatnonzero(chosen))


def _make(trigger: Trigger, target: int | None, test: Dataset, rows: Rows) -> Trial:
    plain, y = np.asarray(test.x[rows]), np.asarray(test.y[rows])
    if trigger.outcome != "backdoor" or target is None:
        return Trial(trigger.name, trigger.kind, trigger.outcome, target, plain, None, y)
    return Trial(trigger.name, trigger.kind, trigger.outcome, target, trigger.stamp(plain), plain, y)
