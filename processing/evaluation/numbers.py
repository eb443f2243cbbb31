"""What one model's answers are worth: pure functions from predictions to `boomerang.metrics`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Bools, Calls, Labels
from boomerang.metrics import AttackNumbers, CanaryMiss, CanaryNumbers, DetectorNumbers
from boomerang.scoring import (
    Rate,
    auroc,
    average_precision,
    balanced_accuracy,
    defense_effectiveness,
    rate,
    share,
)
from processing.attacks.common.trial import Trial
from training.model import NO_ANSWER


def attack_numbers(
    trial: Trial,
    calls: Calls,
    plain: Calls | None,
    clean_calls: Calls,
    target_name: str | None,
    refuses: bool = False,
) -> AttackNumbers:
    """Return what an attack did to a model.

    Parameters
    ----------
    trial : Trial
    calls : int64[N]
        The model's answers on `trial.x`.
    plain : int64[N] or None
        Its answers on `trial.before`.
    clean_calls : int64[N]
        The baseline's answers on `trial.x`.
    target_name : str or None
    refuses : bool
        Whether no answer is one of the model's answers; else nothing is measured where one is missing.
    """
    asked = [calls] if plain is None else [calls, plain]
    missing = not refuses and any((answers == NO_ANSWER).any() for answers in asked)
    if not trial.aimed or missing:
        return AttackNumbers(name=trial.name, kind=trial.kind, outcome=trial.outcome, target=target_name)
    hit = trial.hits(calls)
    return AttackNumbers(
        name=trial.name,
        kind=trial.kind,
        outcome=trial.outcome,
        target=target_name,
        asr=share(hit),
        ra=share(calls == trial.y),
        plain_accuracy=None if plain is None else share(plain == trial.y),
        turned=share(hit & ~trial.hits(clean_calls)) if trial.outcome == "targeted" else None,
        refused=int(np.count_nonzero(calls == NO_ANSWER)),
    )


def with_der(
    hardened: tuple[AttackNumbers, ...], victim: tuple[AttackNumbers, ...], accuracy_drop: float
) -> tuple[AttackNumbers, ...]:
    """Return the hardened model's numbers with the defense effectiveness against the victim."""
    out = []
    for mine, theirs in zip(hardened, victim, strict=True):
        asrs = [a.asr.value if a.asr else None for a in (theirs, mine)]
        known = asrs[0] is not None and asrs[1] is not None
        der = defense_effectiveness(asrs[0] - asrs[1], accuracy_drop) if known else None  # type: ignore[operator]  # `known` says so
        out.append(mine.model_copy(update={"der": der}))
    return tuple(out)


def canary_numbers(y: Labels, calls: Calls, ids: tuple[str, ...], classes: tuple[str, ...]) -> CanaryNumbers:
    """Return how a model answered the canaries: int64[M] expected, int64[M] given."""
    misses = [
        CanaryMiss(id=ids[i], expected=classes[y[i]], got=class_name(calls[i], classes))
        for i in np.flatnonzero(calls != y)
    ]
    unanswered = int(np.count_nonzero(calls == NO_ANSWER))
    return CanaryNumbers(
        right=share(calls == y),
        balanced=balanced_accuracy(y, calls),
        unanswered=unanswered,
        misses=tuple(misses),
    )


def class_name(call: int, classes: tuple[str, ...]) -> str:
    """Return what a call is called; where a model's answer was no finite number, `no answer`."""
    return "no answer" if call == NO_ANSWER else classes[call]


def detector_numbers(
    name: str,
    kind: str,
    flagged: Bools,
    scores: npt.NDArray[np.float64] | None,
    y: Labels,
    attack_of: npt.NDArray[np.int8],
    attack_names: tuple[str, ...],
) -> DetectorNumbers:
    """Hold a detector against the truth.

    Parameters
    ----------
    flagged : bool[N]
    scores : float64[N] or None
        None for the detectors together, which have no common score.
    y : int64[N]
        Labels as given.
    attack_of : int8[N]
        0 for a clean row, k for one of the k-th attack.
    attack_names : tuple of str
    """
    poisoned = attack_of > 0
    tpr, fpr = share(flagged[poisoned]), share(flagged[~poisoned])
    precision = rate(tpr.successes, tpr.successes + fpr.successes).value
    any_poison = bool(poisoned.any())
    by_attack, auroc_by_attack = {}, {}
    for k, attack in enumerate(attack_names, 1):
        mine = attack_of == k
        by_attack[attack] = share(flagged[mine])
        if scores is not None:
            rows = mine | ~poisoned
            auroc_by_attack[attack] = auroc(scores[rows], mine[rows])
    return DetectorNumbers(
        name=name,
        kind=kind,
        flagged=int(flagged.sum()),
        tpr=tpr,
        fpr=fpr,
        least_left=_least_left(~flagged[~poisoned], y[~poisoned]),
        precision=precision if any_poison else None,
        f1=_f1(precision, tpr.value) if any_poison else None,
        auroc=auroc(scores, poisoned) if scores is not None else None,
        ap=average_precision(scores, poisoned) if scores is not None else None,
        by_attack=by_attack,
        auroc_by_attack=auroc_by_attack,
    )


def _least_left(kept: Bools, y: Labels) -> Rate:
    """Return what is left of the class of which least is, of those that have a row."""
    shares = [share(kept[y == label]) for label in np.unique(y)]
    return min(shares, key=lambda each: each.successes / each.total, default=rate(0, 0))


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return 0.0 if recall is not None else None  # nothing flagged: no row was found
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
