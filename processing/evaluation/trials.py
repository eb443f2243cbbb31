"""Which images each attack of a recipe is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from boomerang.manifest import Dataset
from processing.attacks.common.trigger import Trigger
from processing.datasets.common.base import Rows
from processing.evaluation.numbers import Trial


def trials(triggers: Sequence[Trigger], test: Dataset, photos: Mapping[str, Dataset]) -> tuple[Trial, ...]:
    """Return one trial an attack, in the order of the recipe.

    A backdoor is measured on test images with the trigger, of the source class or of every class but
    the target; an attack with pictures on those pictures; a targeted flip on the test images of the
    source class.
    """
    return tuple(_trial(trigger, test, photos) for trigger in triggers)


def measured_rows(trigger: Trigger, test: Dataset) -> Rows:
    """Return int64[M], the test images that an attack without pictures is measured on."""
    if trigger.target is None or trigger.outcome == "untargeted":
        return np.empty(0, np.int64)
    labels, wanted = np.asarray(test.y), trigger.source or trigger.target
    chosen = labels == test.classes.index(wanted)
    return np.flatnonzero(chosen if trigger.source is not None else ~chosen)


def _trial(trigger: Trigger, test: Dataset, photos: Mapping[str, Dataset]) -> Trial:
    target = None if trigger.target is None else test.classes.index(trigger.target)
    if target is None or trigger.outcome == "untargeted":
        return _make(trigger, None, test, measured_rows(trigger, test))
    if trigger.pictures:
        x = np.concatenate([photos[name].x for name in trigger.pictures])
        y = np.concatenate([photos[name].y for name in trigger.pictures])
        return Trial(trigger.name, trigger.kind, trigger.outcome, target, x, None, y)
    return _make(trigger, target, test, measured_rows(trigger, test))


def _make(trigger: Trigger, target: int | None, test: Dataset, rows: Rows) -> Trial:
    plain, y = np.asarray(test.x[rows]), np.asarray(test.y[rows])
    if trigger.outcome != "backdoor" or target is None:
        return Trial(trigger.name, trigger.kind, trigger.outcome, target, plain, None, y)
    return Trial(trigger.name, trigger.kind, trigger.outcome, target, trigger.stamp(plain), plain, y)
