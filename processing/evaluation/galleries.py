"""Which images of a case a person should see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from processing.evaluation.canaries import Canaries
from processing.evaluation.case import Case
from processing.evaluation.evidence import Group, evenly
from processing.evaluation.numbers import Trial

_POISONED_SHOWN, _TRIGGERED_SHOWN, _PICTURES_SHOWN = 12, 8, 60


def poisoned_groups(case: Case) -> list[Group]:
    """Return a few poisoned rows of each attack, as the victim saw them."""
    groups, classes, truth = [], case.test.classes, case.truth
    for number, name in enumerate(case.attack_names, 1):
        rows = np.flatnonzero(truth.attack_of == number)
        rows = rows[evenly(len(rows), _POISONED_SHOWN)]
        given: list[str | None] = [classes[k] for k in case.train.y[rows]]
        right = [classes[k] for k in truth.y_true[rows]]
        ids = [f"row {row}" for row in rows]
        x = np.asarray(case.train.x[rows])
        groups.append(Group("poisoned", name, "Poisoned training rows", x, None, given, right, ids, name))
    return groups


def trial_groups(case: Case, tests: tuple[Trial, ...]) -> list[Group]:
    """Return test images with and without the trigger of each backdoor."""
    groups = []
    for trial in tests:
        if trial.before is None:
            continue
        rows = evenly(len(trial.y), _TRIGGERED_SHOWN)
        right = [case.test.classes[k] for k in trial.y[rows]]
        ids = [f"image {row}" for row in rows]
        before = trial.before[rows]
        none: list[str | None] = [None] * len(rows)
        title = "Test images with the trigger"
        groups.append(
            Group("triggered", trial.name, title, trial.x[rows], before, none, right, ids, trial.name)
        )
    return groups


def picture_groups(case: Case) -> list[Group]:
    """Return the prepared pictures of every set; those of an attack name it."""
    owner = {name: trigger.name for trigger in case.triggers for name in trigger.pictures}
    groups = []
    for name, data in case.photos.items():
        rows = evenly(len(data), _PICTURES_SHOWN)
        right = [data.classes[k] for k in data.y[rows]]
        ids = [Path(data.manifest.recipe["files"][row]).name for row in rows]
        none: list[str | None] = [None] * len(rows)
        x = np.asarray(data.x[rows])
        groups.append(Group("pictures", name, name, x, None, none, right, ids, owner.get(name)))
    return groups


def canary_group(canaries: Canaries, classes: tuple[str, ...]) -> Group:
    """Return the frozen canaries."""
    right = [classes[k] for k in canaries.y]
    none: list[str | None] = [None] * len(right)
    return Group("canaries", "frozen", "Canaries", canaries.x, None, none, right, list(canaries.ids))
