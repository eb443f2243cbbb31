"""The gate as the pages have it: every check of every verdict, what a number is of, and why one is missing.

The checks are listed as the verdicts have them. One that this module has no words for is shown all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from boomerang.gate import BY_KEY, Check
from boomerang.metrics import AttackNumbers, Metrics, ModelNumbers
from pipelines.page.wording import counted, percent

_ABOUT = {
    "accuracy_drop": "How much worse than the clean model it is on untouched test pictures.",
    "error_ratio": "As a share of always giving one answer; the worse of it and of the clean model.",
    "lost_classes": "Kinds of picture that it never gets right.",
    "asr_upper": "How often a trigger could work, at the most that the measurement leaves open: the upper "
    "end of the range, of the trigger with the highest. Attacks without a trigger have a check of their own.",
    "robust_drop": "How many more pictures it gets wrong once the trigger is on them.",
    "turned": "The attacker's own pictures that now get the label the attacker wanted: the share counted, "
    "not the upper end of its range, which so few pictures leave wide.",
    "retuned_rise": "A repair that only hides a trigger gives way when the model learns on: what came back, "
    "above what a model without the trigger learned of the same few rows, at the least that is left open.",
    "canary_failures": "Pictures frozen beforehand that every sound model gets right.",
    "uncovered_classes": "Kinds of picture that nothing would be watched of afterwards.",
    "screen_fpr": "Innocent training pictures thrown away together with the poison.",
}
Missing = Literal["none", "some", "all"]

# Of each check that is about attacks: which attacks, what the gate takes of each, and what it counts.
_Worst = Callable[[AttackNumbers], float | None]
_OF_ATTACKS: Mapping[str, tuple[str, _Worst, str]] = {
    "asr_upper": ("backdoor", lambda attack: attack.asr.high if attack.asr else None, "asr"),
    "robust_drop": ("backdoor", lambda attack: attack.robust_drop, ""),
    "turned": ("targeted", lambda attack: attack.turned.value if attack.turned else None, "turned"),
    "retuned_rise": ("backdoor", lambda attack: attack.retuned.rise if attack.retuned else None, ""),
}


def table(metrics: Metrics) -> list[dict[str, Any]]:
    """Return the checks, each with what every model reached; a model without the check is absent."""
    rows: dict[str, dict[str, Any]] = {}
    for name, model in metrics.models.items():
        for check in model.verdict.checks:
            row = {
                "key": check.key,
                "text": check.text,
                "about": _ABOUT.get(check.key, ""),
                "counts": BY_KEY[check.key].counts,
                "limit": check.limit,
                "models": [],
            }
            said = {"value": check.value, "passed": check.passed, "of": of_what(check, model)}
            rows.setdefault(check.key, row)["models"].append({"model": name, **said, "why": check.why})
    return list(rows.values())


def unmeasured(model: ModelNumbers) -> Missing:
    """Return of how many of the checks that a model failed the number is missing."""
    missing = [check.value is None for check in model.verdict.checks if not check.passed]
    if not any(missing):
        return "none"
    return "all" if all(missing) else "some"


def of_what(check: Check, model: ModelNumbers) -> str:
    """Return which attack a number of the gate is of, and what was counted; empty where it is of none."""
    if check.key not in _OF_ATTACKS or check.value is None:
        return ""
    outcome, worst, rate = _OF_ATTACKS[check.key]
    attacks = [attack for attack in model.attacks if attack.outcome == outcome]
    attack = next((each for each in attacks if worst(each) == check.value), None)
    if attack is None:
        return ""
    said = f"{attack.name}: {counted(getattr(attack, rate).model_dump())}" if rate else attack.name
    return f"{said}, the most of {len(attacks)}" if len(attacks) > 1 else said


def why_no_rate(attack: AttackNumbers) -> str:
    """Return why an attack has no success rate; empty where it has one, or aims at no class."""
    if attack.outcome == "untargeted" or (attack.asr and attack.asr.value is not None):
        return ""
    return "no picture to measure it on" if attack.asr else "an answer to its pictures is no number"


def reasons(model: ModelNumbers) -> list[str]:
    """Return why a model is rejected; where a number cannot be lower on so few pictures, with that."""
    failed = [check for check in model.verdict.checks if not check.passed]
    return [f"{why}{_remark(check, model)}" for check, why in zip(failed, model.verdict.reasons, strict=True)]


def _remark(check: Check, model: ModelNumbers) -> str:
    rates = [attack.asr for attack in model.attacks if attack.asr and attack.asr.high == check.value]
    if check.key == "asr_upper" and rates and not rates[0].successes:
        return f" (none of {rates[0].total} worked, and so few leave this much open: test on more pictures)"
    return ""


def held(attack: AttackNumbers, model: ModelNumbers) -> str:
    """Return which number of an attack the gate holds against which limit: it is not always its rate."""
    limits = {check.key: check.limit for check in model.verdict.checks}
    if attack.outcome == "backdoor" and "asr_upper" in limits and attack.asr:
        return f"At the gate: the upper end of this range, at most {percent(limits['asr_upper'])}."
    if attack.outcome == "targeted" and "turned" in limits and attack.turned and attack.asr:
        share = counted(attack.turned.model_dump())
        return f"At the gate: what turned, {share}, at most {percent(limits['turned'])}; not this range."
    return "" if attack.outcome != "untargeted" else "It aims at no class: see clean accuracy."
