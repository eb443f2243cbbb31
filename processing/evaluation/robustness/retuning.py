"""The re-tuning test: what tuning on a few poisoned rows brings back of a backdoor that was repaired.

Min et al. 2024 (arXiv 2410.09838): most repairs leave a model near the poisoned one, and a handful of
poisoned rows leads it back. The same is done to the baseline, which never learned the trigger: what it learns
of those rows is the floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from boomerang.manifest import Calls, Rows
from boomerang.metrics import Retuned
from boomerang.scoring import Rate, rate, share
from boomerang.settings import RetuningConfig
from processing.attacks.common.trial import Trial
from processing.evaluation.case import Case, Subject
from training.model import NO_ANSWER, calls_of, classifier

_MOMENTUM = 0.9


def retuned_numbers(case: Case, tests: tuple[Trial, ...]) -> Mapping[str, Retuned]:
    """Return what comes back of each backdoor in the hardened model, by the attack's name.

    Nothing is returned where the settings ask for no such test or there is no hardened model, and nothing of
    an attack that has no rows to tune on or no images to be measured on.
    """
    config = case.settings.retuning
    if config is None or "hardened" not in case.subjects:
        return {}
    found = {}
    for number, trial in enumerate(tests, 1):
        if trial.outcome == "backdoor" and len(trial.x) and len(poisoned := rows_of_attack(case, number)):
            found[trial.name] = _retuned(case, trial, poisoned, config)
    return found


def with_retuned(case: Case, tests: tuple[Trial, ...]) -> Case:
    """Return the case with what comes back beside its hardened model; see `retuned_numbers`."""
    found = retuned_numbers(case, tests)
    if not found:
        return case
    again = replace(case.subjects["hardened"], retuned=found)
    return replace(case, subjects={**case.subjects, "hardened": again})


def rows_of_attack(case: Case, number: int) -> Rows:
    """Return int64[M], the rows of the training set that teach an attack: without those that only cover it.

    Where an attack changes labels, the rows of it that keep theirs are its cover.
    """
    truth = case.truth
    mine = truth.attack_of == number
    relabeled = mine & (np.asarray(case.train.y) != truth.y_true)
    return np.flatnonzero(relabeled if relabeled.any() else mine)


def _retuned(case: Case, trial: Trial, poisoned: Rows, config: RetuningConfig) -> Retuned:
    rng = np.random.default_rng([case.settings.seed, len(poisoned)])
    some = rng.choice(poisoned, min(config.poisoned, len(poisoned)), replace=False)
    clean = np.flatnonzero(case.truth.attack_of == 0)
    beside = rng.choice(clean, min(config.rows - len(some), len(clean)), replace=False)
    rows = np.sort(np.concatenate([some, beside]))
    hardened, baseline = (tuned(case, case.subjects[name], rows, config) for name in ("hardened", "baseline"))
    asr, floor = (_success(trial, calls_of(ask(trial.x))) for ask in (hardened, baseline))
    right = calls_of(hardened(case.test.x)) == np.asarray(case.test.y)
    return Retuned(rows=len(rows), poisoned=len(some), asr=asr, floor=floor, clean_accuracy=share(right))


def _success(trial: Trial, calls: Calls) -> Rate:
    """Return the success rate of a trial; of no image, where tuning has left a model without an answer."""
    return rate(0, 0) if (calls == NO_ANSWER).any() else share(trial.hits(calls))


def tuned(case: Case, subject: Subject, rows: Rows, config: RetuningConfig) -> Any:
    """Return a model as a function of images, tuned on rows of the training set; the model stays as it is."""
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(case.settings.seed)
    model = subject.copy()
    model.compile(keras.optimizers.SGD(config.learning_rate, _MOMENTUM), "sparse_categorical_crossentropy")
    x, y = np.asarray(case.train.x[rows]), np.asarray(case.train.y[rows])
    model.fit(x, y, batch_size=config.batch, epochs=config.epochs, verbose=0)
    return classifier(model)
