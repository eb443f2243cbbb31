"""What every attack of a recipe is measured on: each says it itself, see `Attack.trial`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boomerang.manifest import Dataset
from processing.attacks.common.trial import Trial
from processing.attacks.common.trigger import Trigger


def trials(triggers: Sequence[Trigger], test: Dataset, photos: Mapping[str, Dataset]) -> tuple[Trial, ...]:
    """Return one trial an attack, in the order of the recipe."""
    return tuple(trigger.trial(test, photos) for trigger in triggers)
