"""What the models answer on the large sets of a case: the part of Evaluate that takes time.

The large sets are the test images and, of each attack, the images that it is measured on. Whatever
else is asked of a model (canaries, galleries) is a few images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from boomerang.formats.predictions import Answers, AttackAnswers, Predictions
from boomerang.manifest import Images, Labels
from processing.attacks.common.trial import Trial
from processing.evaluation.case import Case, Subject
from processing.sharing.asking import asking
from processing.sharing.tasks import Do, Task

STEP = "Evaluate"


def large_sets(case: Case, tests: tuple[Trial, ...]) -> dict[str, Images]:
    """Return the sets that are worth sharing, uint8[N, H, W, C] each, by name; none is empty."""
    sets = {"test": case.test.x}
    for number, trial in enumerate(tests, 1):
        sets[f"attack-{number}"] = trial.x
        if trial.before is not None:
            sets[f"attack-{number}-plain"] = trial.before
    return {name: x for name, x in sets.items() if len(x)}


def questions(case: Case, tests: tuple[Trial, ...]) -> Iterator[tuple[Subject, Images, Task]]:
    """Give every model with every large set, and the task of asking it."""
    sets = large_sets(case, tests)
    for model, subject in case.subjects.items():
        for name, x in sets.items():
            yield subject, x, asking(f"{model}-{name}", subject.ask, x)


def predict(case: Case, tests: tuple[Trial, ...], do: Do) -> None:
    """Let every model know its answers on the large sets, which are made in the way given."""
    for subject, x, task in questions(case, tests):
        subject.ask.remember(x, do(task).rows)


def predicted(case: Case, tests: tuple[Trial, ...]) -> Predictions:
    """Return what every model called the large sets; after `predict` no model is asked."""
    test = _answers(case, case.test.x, case.test.y)
    return Predictions(case.test.classes, test, tuple(_attacked(case, trial) for trial in tests))


def _attacked(case: Case, trial: Trial) -> AttackAnswers:
    shown = _answers(case, trial.x, trial.y)
    plain = None if trial.before is None else _answers(case, trial.before, trial.y)
    targets = None if trial.targets is None else trial.targets.astype(np.int16)
    return AttackAnswers(trial.name, trial.outcome, trial.target, shown, plain, targets)


def _answers(case: Case, x: Images, y: Labels) -> Answers:
    calls = {name: subject.calls(x).astype(np.int16) for name, subject in case.subjects.items()}
    return Answers(np.asarray(y, np.int16), calls)
