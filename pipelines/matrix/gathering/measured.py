"""What one run of a campaign measured: counts, values and pairs, of the defended model and the undefended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.formats.evaluation import Evaluation, open_evaluation
from boomerang.formats.predictions import AttackAnswers, Predictions, open_predictions
from boomerang.formats.screen import open_screen
from boomerang.manifest import Bools, read_manifest
from boomerang.metrics import Metrics
from boomerang.safeio import load_npy
from boomerang.scoring import fidelity
from pipelines.campaign.entry import EVALUATE, HARDEN, POISON, PREPROCESS, SCREEN
from pipelines.matrix.quantities import (
    ACCURACY,
    ASR,
    CLEAN_RATE,
    CPU,
    DER,
    FIDELITY,
    FLOOR,
    FPR,
    INNOCENT,
    LEAST_CLASS,
    MEMORY,
    POISONING,
    PSNR,
    RETUNED,
    ROBUST,
    TPR,
    TRUSTED,
)
from pipelines.runs.records import Execution

UNDEFENDED, CLEAN = "victim", "baseline"
# How often something was true, of how many.
Counts = tuple[int, int]


@dataclass(frozen=True)
class Effect:
    """What one attack did in one run.

    Attributes
    ----------
    undefended : Counts
        Of the undefended model's success.
    counts : mapping of key to Counts
    values : mapping of key to float
    pairs : mapping of key to (bool[N], bool[N])
        Image by image, the defended model's and the undefended one's.
    """

    undefended: Counts
    counts: Mapping[str, Counts]
    values: Mapping[str, float]
    pairs: Mapping[str, tuple[Bools, Bools]]


@dataclass(frozen=True)
class Measured:
    """What one run measured.

    Attributes
    ----------
    execution, evaluation
        Its record, and the folder of Evaluate, verified.
    effects : mapping of str to Effect
        By attack, of those that aim at a class and were measured.
    counts, values, pairs
        As of an `Effect`, of what is no attack's.
    """

    execution: Execution
    evaluation: Evaluation
    effects: Mapping[str, Effect]
    counts: Mapping[str, Counts]
    values: Mapping[str, float]
    pairs: Mapping[str, tuple[Bools, Bools]]

    @property
    def metrics(self) -> Metrics:
        """The numbers of its `metrics.json`."""
        return self.evaluation.metrics


def read_measured(execution: Execution) -> Measured:
    """Read what a run that went to its end has measured.

    Raises
    ------
    IntegrityError, BadInput, ConfigError
        If what it left is not as it was made.
    """
    evaluation = open_evaluation(execution.path(EVALUATE, EVALUATION))
    metrics, predictions = evaluation.metrics, open_predictions(evaluation.folder)
    candidate, test = metrics.candidate, predictions.test
    right = (test.calls[candidate] == test.y, test.calls[UNDEFENDED] == test.y)
    named = {each.name: each for each in predictions.attacks}
    effects = {
        each.name: _effect(each.name, named[each.name], evaluation, predictions)
        for each in metrics.models[candidate].attacks
        if each.asr is not None and each.asr.total
    }
    return Measured(
        execution,
        evaluation,
        effects,
        counts={ACCURACY: _counts(right[0]), **_screened(metrics)},
        values=_costs(execution) | _rows(execution) | ({} if effects else _seen(evaluation)),
        pairs={ACCURACY: right} if candidate != UNDEFENDED else {},
    )


def _seen(evaluation: Evaluation, name: str = "") -> dict[str, float]:
    """Return how visible an attack is; without a name the plainest to see."""
    found = [
        each.median_psnr_db
        for each in evaluation.attacks
        if each.median_psnr_db is not None and name in (each.name, "")
    ]
    return {PSNR: min(found)} if found else {}


def _effect(name: str, answers: AttackAnswers, evaluation: Evaluation, predictions: Predictions) -> Effect:
    metrics = evaluation.metrics
    candidate, shown = metrics.candidate, answers.shown
    success = tuple(answers.fooled(model) for model in (candidate, UNDEFENDED))
    robust = tuple(shown.calls[model] == shown.y for model in (candidate, UNDEFENDED))
    counts = {
        ASR: _counts(success[0]),
        ROBUST: _counts(robust[0]),
        CLEAN_RATE: _counts(answers.fooled(CLEAN)),
    }
    values: dict[str, float | None] = {**_seen(evaluation, name)}
    if candidate == UNDEFENDED:
        return Effect(_counts(success[1]), counts, _known(values), {})
    numbers = next(each for each in metrics.models[candidate].attacks if each.name == name)
    test = predictions.test
    kept = fidelity(
        float(success[1].mean()),
        float(success[0].mean()),
        float((test.calls[UNDEFENDED] == test.y).mean()),
        float((test.calls[candidate] == test.y).mean()),
    )
    values |= {DER: numbers.der, FIDELITY: kept}
    if numbers.retuned:
        again = {RETUNED: numbers.retuned.asr, FLOOR: numbers.retuned.floor}
        counts |= {key: (each.successes, each.total) for key, each in again.items()}
    return Effect(
        _counts(success[1]),
        counts,
        _known(values),
        {ASR: (success[0], success[1]), ROBUST: (robust[0], robust[1])},
    )


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {key: value for key, value in values.items() if value is not None}


def _counts(mask: Bools) -> Counts:
    return int(np.count_nonzero(mask)), mask.size


def _screened(metrics: Metrics) -> dict[str, Counts]:
    """Return how many rows were rightly and wrongly taken out; nothing of what there is none of."""
    screen = metrics.screen
    found = {
        TPR: (screen.tpr.successes, screen.tpr.total),
        FPR: (screen.fpr.successes, screen.fpr.total),
        INNOCENT: (screen.fpr.successes, screen.flagged),
    }
    return {key: counts for key, counts in found.items() if counts[1]}


def _costs(execution: Execution) -> dict[str, float]:
    """Return what screening and hardening, and poisoning took; what was not measured is left out.

    So it is of a container.
    """
    steps = [step for step in execution.steps if step.name in (SCREEN, HARDEN)]
    cpu, peak = sum(step.cpu_seconds for step in steps), max((step.peak_bytes for step in steps), default=0)
    costs = {CPU: cpu, MEMORY: peak / 1e6, POISONING: execution.step(POISON).cpu_seconds}
    return {key: value for key, value in costs.items() if value}


def _rows(execution: Execution) -> dict[str, float]:
    """Return the rows left of the rarest class, and the clean rows that the defense was given."""
    train = execution.path(POISON, "train")
    classes = len(read_manifest(train).classes)
    screened = open_screen(execution.path(SCREEN, "screen"))
    left = np.bincount(load_npy(train / "y.npy")[screened.keep], minlength=classes)
    learned = any(name == "trusted" for name in execution.step(SCREEN).inputs) and screened.detectors
    trusted = read_manifest(execution.path(PREPROCESS, "validation")).shape[0] if learned else 0
    return {LEAST_CLASS: float(left.min()), TRUSTED: float(trusted)}
