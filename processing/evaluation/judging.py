"""From what was measured of a model to the gate's verdict, with the words that go beside each number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boomerang.gate import GateConfig, Verdict, judge, plain
from boomerang.manifest import Calls, Labels
from boomerang.metrics import AttackNumbers, CanaryNumbers, Skill
from boomerang.scoring import Rate, share
from training.model import NO_ANSWER

_CONTROL = "a control that knows the truth took them out, and no defense"


@dataclass(frozen=True)
class Measured:
    """What the gate asks of one model.

    Attributes
    ----------
    accuracy_drop : float or None
    skill, reference : Skill
        Of the model, and of the baseline of its run.
    attacks : tuple of AttackNumbers
    canaries : CanaryNumbers
    uncovered : tuple of str
        Classes of which there is no canary.
    screen_fpr : Rate or None
        None where the model was not trained on screened rows.
    control : bool
        Whether a control chose these rows: it knows the truth, so no screen was measured.
    refuses : bool
        Whether the model may refuse an image: that is an answer then, and a wrong one of a canary.
    """

    accuracy_drop: float | None
    skill: Skill
    reference: Skill
    attacks: tuple[AttackNumbers, ...]
    canaries: CanaryNumbers
    uncovered: tuple[str, ...] = ()
    screen_fpr: Rate | None = None
    control: bool = False
    refuses: bool = False


def skill_of(y: Labels, calls: Calls, classes: tuple[str, ...], refuses: bool = False) -> Skill:
    """Return what a model has learned.

    Parameters
    ----------
    y, calls : int64[N]
        The test labels, and what the model answers.
    classes : tuple of str
    refuses : bool
        Whether no answer is one of the model's answers, a wrong one; else nothing is measured then.
    """
    y = np.asarray(y)
    counts = np.bincount(y, minlength=len(classes))
    right = np.bincount(y[calls == y], minlength=len(classes))
    given = np.unique(calls)
    guess_errors = 1 - counts.max() / max(1, len(y))
    low = share(calls == y).low
    measured = low is not None and guess_errors > 0 and (refuses or NO_ANSWER not in given)
    return Skill(
        error_ratio=(1 - low) / guess_errors if measured and low is not None else None,
        lost=tuple(classes[k] for k in np.flatnonzero((counts > 0) & (right == 0))),
        only=classes[given[0]] if len(given) == 1 and given[0] != NO_ANSWER else "",
    )


def verdict(found: Measured, limits: GateConfig) -> Verdict:
    """Hold a model against the gate; checks for which the recipe has no attack do not apply.

    Robust accuracy is compared with the same model's accuracy on the same images without the
    trigger: against clean accuracy over all classes, a hard source class would fail by itself.
    """
    numbers: dict[str, float | None] = {
        "accuracy_drop": found.accuracy_drop,
        "error_ratio": _worst([found.skill.error_ratio, found.reference.error_ratio]),
        "lost_classes": len(found.skill.lost),
        "uncovered_classes": len(found.uncovered),
    }
    backdoors = [a for a in found.attacks if a.outcome == "backdoor"]
    if backdoors:
        numbers["asr_upper"] = _worst([a.asr.high if a.asr else None for a in backdoors])
        numbers["robust_drop"] = _worst([a.robust_drop for a in backdoors])
    turned = [a.turned for a in found.attacks if a.outcome == "targeted"]
    if turned:
        numbers["turned"] = _worst([r.value if r else None for r in turned])
    again = [a.retuned.rise for a in backdoors if a.retuned]
    if again and limits.max_retuned_rise < 1:
        numbers["retuned_rise"] = _worst(again)
    right = found.canaries.right
    answered = right.total and (found.refuses or not found.canaries.unanswered)
    numbers["canary_failures"] = right.total - right.successes if answered else None
    if found.screen_fpr is not None:
        numbers["screen_fpr"] = None if found.control else found.screen_fpr.value
    return judge(numbers, limits, {key: why for key, why in _whys(found, numbers).items() if why})


def _whys(found: Measured, numbers: dict[str, float | None]) -> dict[str, str]:
    """Return what a person should know of the numbers: why one was not measured, or what it is made of."""
    missing = {key for key, value in numbers.items() if value is None}
    backdoors = [a for a in found.attacks if a.outcome == "backdoor"]
    targeted = [a for a in found.attacks if a.outcome == "targeted"]
    whys = {
        "error_ratio": _error_why(found),
        "lost_classes": _lost_why(found.skill),
        "uncovered_classes": plain(found.uncovered),
    }
    for key, asked in {
        "asr_upper": [(a, a.asr) for a in backdoors],
        "robust_drop": [(a, a.plain_accuracy) for a in backdoors],
        "turned": [(a, a.turned) for a in targeted],
    }.items():
        if key in missing:
            whys[key] = _unmeasured(asked)
    if "accuracy_drop" in missing:
        whys["accuracy_drop"] = "an answer of it or of the baseline is no finite number"
    if "canary_failures" in missing:
        unanswered = found.canaries.unanswered
        whys["canary_failures"] = (
            f"{unanswered} answers are no finite numbers"
            if unanswered
            else "no record was clear enough to be one"
        )
    if "screen_fpr" in missing:
        whys["screen_fpr"] = _CONTROL if found.control else "no row is clean"
    return whys


def _error_why(found: Measured) -> str:
    own, reference = found.skill, found.reference
    if own.error_ratio is None or reference.error_ratio is None:
        return "the test set has one class, or an answer is no finite number"
    if own.only or reference.only:
        who, only = ("it", own.only) if own.only else ("the baseline", reference.only)
        return f"{who} always answers {plain([only])}"
    return "the baseline's" if reference.error_ratio > own.error_ratio else ""


def _lost_why(skill: Skill) -> str:
    if skill.only:
        return f"it always answers {plain([skill.only])}"
    return plain(skill.lost)


def _unmeasured(rates: list[tuple[AttackNumbers, Rate | None]]) -> str:
    names = [attack.name for attack, rate in rates if rate is None or rate.value is None]
    return f"{plain(names)}: no image to measure it on, or an answer that is no finite number"


def _worst(values: list[float | None]) -> float | None:
    """Return the largest, or None if any is missing: what was not measured must not pass."""
    known = [v for v in values if v is not None]
    return max(known) if len(known) == len(values) else None
