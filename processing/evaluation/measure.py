"""The numbers of a run: what every model, the screen and the canaries did, and what the gate reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boomerang.formats.screen import CONTROLS
from boomerang.gate import gate_numbers, reasons_text
from boomerang.manifest import Calls, Labels
from boomerang.metrics import (
    AttackNumbers,
    CanarySet,
    Certificates,
    DataNumbers,
    DetectorNumbers,
    Metrics,
    ModelNumbers,
)
from boomerang.scoring import Rate, rate, share
from processing.attacks.common.trial import Trial
from processing.evaluation.canaries import Canaries, uncovered
from processing.evaluation.case import Case, Subject, candidate_groups
from processing.evaluation.judging import Measured, skill_of, verdict
from processing.evaluation.numbers import (
    attack_numbers,
    canary_numbers,
    detector_numbers,
    with_der,
)
from processing.evaluation.probes import Probes
from training.model import NO_ANSWER, may_refuse


@dataclass(frozen=True)
class Frozen:
    """What was frozen for the canary: the records with the digest of their folder, and the probes.

    Attributes
    ----------
    certificates : Certificates or None
        What the answers to the records are safe from.
    """

    canaries: Canaries
    digest: str
    probes: Probes
    certificates: Certificates | None = None


def measure(case: Case, tests: tuple[Trial, ...], frozen: Frozen) -> Metrics:
    """Return all the numbers of the run."""
    together, detectors = screen_numbers(case)
    control = any(detector.kind in CONTROLS for detector in detectors)
    models: dict[str, ModelNumbers] = {}
    clean_calls = [case.subjects["baseline"].calls(t.x) for t in tests]
    for name, subject in case.subjects.items():
        fpr = together.fpr if "screen" in subject.card.parents else None
        models[name] = model_numbers(case, subject, tests, clean_calls, frozen, models, fpr, control)
    candidate = models.get("hardened", models["victim"]).verdict
    return Metrics(
        seed=case.settings.seed,
        data=data_numbers(case),
        models=models,
        screen=together,
        detectors=detectors,
        canaries=canary_set(case, frozen),
        probes=frozen.probes.sets,
        gate=gate_numbers(candidate),
        reasons=reasons_text(candidate),
    )


def model_numbers(
    case: Case,
    subject: Subject,
    tests: tuple[Trial, ...],
    clean_calls: list[npt.NDArray[np.int64]],
    frozen: Frozen,
    before: Mapping[str, ModelNumbers],
    screen_fpr: Rate | None,
    control: bool = False,
) -> ModelNumbers:
    """Return the numbers of one model; `before` holds those of the models measured earlier."""
    y, classes = np.asarray(case.test.y), case.test.classes
    calls = subject.calls(case.test.x)
    accuracy = share(calls == y)
    unanswered = int(np.count_nonzero(calls == NO_ANSWER))
    refuses = may_refuse(subject.card)
    reference = before["baseline"] if before else None
    each = [_attack(t, subject, c, classes, frozen.probes) for t, c in zip(tests, clean_calls, strict=True)]
    attacks = _against(before.get("victim"), tuple(each), accuracy)
    canaries = frozen.canaries
    answers = canary_numbers(canaries.y, subject.calls(canaries.x), canaries.ids, classes)
    skill = skill_of(y, calls, classes, refuses)
    measured = Measured(
        accuracy_drop=None if unanswered and not refuses else _drop_since(reference, accuracy),
        skill=skill,
        reference=reference.skill if reference else skill,
        attacks=attacks,
        canaries=answers,
        uncovered=uncovered(canaries.y, classes),
        screen_fpr=screen_fpr,
        control=control,
        refuses=refuses,
    )
    return ModelNumbers(
        digest=subject.card.weights_sha256,
        repairs=tuple(part.title for part in subject.card.repairs),
        inference=tuple(part.title for part in subject.card.inference),
        clean_accuracy=accuracy,
        unanswered=unanswered,
        refuses=refuses,
        skill=skill,
        accuracy_drop=measured.accuracy_drop,
        recall=_recall(y, calls, len(classes)),
        attacks=attacks,
        canaries=answers,
        verdict=verdict(measured, case.limits),
    )


def _recall(y: Labels, calls: Calls, classes: int) -> tuple[Rate, ...]:
    rows, right = (np.bincount(each, minlength=classes) for each in (y, y[calls == y]))
    return tuple(rate(int(hits), int(total)) for hits, total in zip(right, rows, strict=True))


def _against(
    victim: ModelNumbers | None, attacks: tuple[AttackNumbers, ...], accuracy: Rate
) -> tuple[AttackNumbers, ...]:
    """Return the numbers of attacks with the defense effectiveness, where there was a victim before."""
    if victim is None:
        return attacks
    return with_der(attacks, victim.attacks, _drop(victim.clean_accuracy, accuracy) or 0.0)


def _attack(
    trial: Trial,
    subject: Subject,
    clean_calls: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    probes: Probes,
) -> AttackNumbers:
    plain = None if trial.before is None else subject.calls(trial.before)
    target = None if trial.target is None else classes[trial.target]
    calls = subject.calls(trial.x)
    numbers = attack_numbers(trial, calls, plain, clean_calls, target, may_refuse(subject.card))
    numbers = numbers.model_copy(update={"retuned": subject.retuned.get(trial.name)})
    chosen = probes.chosen.get(trial.name)
    if chosen is None or len(chosen) == len(trial.y):
        return numbers
    return numbers.model_copy(update={"probe_asr": share(trial.hits(calls)[chosen])})


def _drop_since(reference: ModelNumbers | None, accuracy: Rate) -> float | None:
    """Return the accuracy lost against the baseline: of itself 0, and None where that has not all answers."""
    if reference is None:
        return 0.0
    missing = reference.unanswered and not reference.refuses
    return None if missing else _drop(reference.clean_accuracy, accuracy)


def _drop(before: Rate, after: Rate) -> float | None:
    return None if before.value is None or after.value is None else before.value - after.value


def screen_numbers(case: Case) -> tuple[DetectorNumbers, tuple[DetectorNumbers, ...]]:
    """Return the numbers of all detectors together and of each."""
    screened, truth = case.screened, (np.asarray(case.train.y), case.truth.attack_of, case.attack_names)
    together = detector_numbers("all together", "screen", ~screened.keep, None, *truth)
    each = tuple(
        detector_numbers(d.name, d.kind, screened.flagged[i], screened.scores[i], *truth)
        for i, d in enumerate(screened.detectors)
    )
    return together, each


def data_numbers(case: Case) -> DataNumbers:
    """Return what the run worked on."""
    counts = np.bincount(case.truth.attack_of, minlength=len(case.triggers) + 1)
    return DataNumbers(
        name=case.test.manifest.name,
        classes=case.test.classes,
        rows={
            "train": len(case.train),
            **case.past,
            "kept": int(case.screened.keep.sum()),
            "test": len(case.test),
        },
        poisoned={name: int(counts[k]) for k, name in enumerate(case.attack_names, 1)},
        digests=dict(case.digests),
    )


def safe_from(certificates: Certificates | None) -> int:
    """Return from how many changed rows the answers to half of the canaries are safe; a wrong one is not."""
    if certificates is None:
        return 0
    radii = sorted(certificates.rows.values(), reverse=True)
    half = -(-certificates.right.total // 2)
    return radii[half - 1] if len(radii) >= half else 0


def canary_set(case: Case, frozen: Frozen) -> CanarySet:
    """Return what was frozen, and of how many candidates."""
    canaries = frozen.canaries
    groups = [identifier.rpartition("/")[0] for identifier in canaries.ids]
    return CanarySet(
        digest=frozen.digest,
        records=groups.count("records"),
        pictures={name: groups.count(name) for name in sorted(set(groups) - {"records"})},
        classes={name: int(np.count_nonzero(canaries.y == k)) for k, name in enumerate(case.test.classes)},
        candidates=sum(len(group.y) for group in candidate_groups(case)),
        certificates=frozen.certificates,
        safe_from=safe_from(frozen.certificates),
    )
