"""The gate: what it asks of a model, its limits, and its word.

What was not measured is None, never 0, and passes no limit, however wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from boomerang.config import Strict

# What a missing number becomes where the gate's condition needs one: above every limit that may be set.
NOT_MEASURED = 1e9

# The number by which the pipeline's condition asks the verdict itself: how many checks failed.
FAILED_CHECKS = "failed_checks"

# The reasons of a rejection become the description of a model package, which takes 1,024 characters.
_LONGEST_REASONS = 900
_LONGEST_WHY = 100


class GateConfig(Strict):
    """The limits of the gate; each is a parameter of the pipeline.

    Attributes
    ----------
    max_accuracy_drop : float
        Of clean accuracy against the baseline, as a fraction.
    max_error_ratio : float
        For the errors on the test set (upper 95% bound) divided by those of always giving its most common
        class; of the baseline and of the model, the worse. 1 is no better than that guess.
    max_lost_classes : int
        Classes of the test set of which the model gets no image right.
    max_asr_upper : float
        For the upper 95% bound of the attack success rate of each trigger.
    max_robust_drop : float
        Accuracy lost on the same images when the trigger is on them; a refused image is not lost.
    max_turned : float
        Share of an attack's pictures that the baseline does not give to the target class and the
        candidate does. (A share, not a bound: the upper bound for 0 of 26 is already 13%.)
    max_retuned_rise : float
        Of each trigger, what tuning a repaired model on a few poisoned rows brings back above what a clean
        model learns of them (lower end of the 95% interval); see `[retuning]`. 1 asks for nothing.
    max_canary_failures : int
    max_uncovered_classes : int
        Classes of which no record was clear enough to be frozen as a canary.
    max_screen_fpr : float
        Share of clean rows that the screen took out.
    """

    max_accuracy_drop: float = Field(default=0.02, ge=0, le=1)
    max_error_ratio: float = Field(default=0.8, ge=0, le=1)
    max_lost_classes: int = Field(default=0, ge=0, le=10_000)
    max_asr_upper: float = Field(default=0.10, ge=0, le=1)
    max_robust_drop: float = Field(default=0.10, ge=0, le=1)
    max_turned: float = Field(default=0.10, ge=0, le=1)
    max_retuned_rise: float = Field(default=1.0, ge=0, le=1)
    max_canary_failures: int = Field(default=0, ge=0, le=1000)
    max_uncovered_classes: int = Field(default=0, ge=0, le=10_000)
    max_screen_fpr: float = Field(default=0.02, ge=0, le=1)


class Rule(NamedTuple):
    """One check of the gate.

    Attributes
    ----------
    key : str
        The name of the number.
    limit : str
        Its limit in `GateConfig`.
    text : str
        How a person says it.
    do : str
        What can be done where it fails.
    """

    key: str
    limit: str
    text: str
    do: str

    @property
    def counts(self) -> bool:
        """Whether it is a count, no share."""
        return GateConfig.model_fields[self.limit].annotation is int

    @property
    def parameter(self) -> str:
        """What the pipeline and a model package call the limit: `max_asr_upper` is `MaxAsrUpper`."""
        return property_name(self.limit)

    def say(self, value: float | None) -> str:
        """Return a value as a person reads it.

        >>> BY_KEY["asr_upper"].say(0.5), BY_KEY["canary_failures"].say(None)
        ('50.0%', 'not measured')
        """
        if value is None or not math.isfinite(value) or value >= NOT_MEASURED:
            return "not measured"
        said = f"{value:.0f}" if self.counts else f"{value:.1%}"
        return "0.0%" if said == "-0.0%" else said


_LEARN = "train longer (train.epochs), or on more rows (data.train)"
_MEND = "screen or harden more strictly, or find where the rows come from"

GATE = (
    Rule(
        "accuracy_drop",
        "max_accuracy_drop",
        "clean accuracy lost against the baseline",
        "see which classes lost it, and whether the screen took out too much",
    ),
    Rule(
        "error_ratio",
        "max_error_ratio",
        "errors against always giving the most common class (upper 95% bound)",
        _LEARN,
    ),
    Rule("lost_classes", "max_lost_classes", "classes never answered right", _LEARN),
    Rule("asr_upper", "max_asr_upper", "upper 95% bound of the attack success rate", _MEND),
    Rule("robust_drop", "max_robust_drop", "accuracy lost when the trigger is on the image", _MEND),
    Rule("turned", "max_turned", "attack pictures turned to the target class", _MEND),
    Rule(
        "retuned_rise",
        "max_retuned_rise",
        "attack success that a few poisoned rows bring back, above a clean model's",
        "take a repair that lasts, such as retraining on screened rows",
    ),
    Rule(
        "canary_failures",
        "max_canary_failures",
        "canaries answered wrong",
        "look at the canaries that it gets wrong, in the report",
    ),
    Rule(
        "uncovered_classes",
        "max_uncovered_classes",
        "classes without a canary",
        "set more candidates apart (canaries.candidates_per_class), lower canaries.margin, or train a better "
        "baseline",
    ),
    Rule(
        "screen_fpr",
        "max_screen_fpr",
        "clean rows taken out by the screen",
        "loosen the detectors (screen.detectors); after a control (screen.control), screen with a defense",
    ),
)
BY_KEY: Mapping[str, Rule] = {rule.key: rule for rule in GATE}

# What is asked of every model, whatever the recipe has.
ALWAYS = frozenset({"accuracy_drop", "error_ratio", "lost_classes", "canary_failures", "uncovered_classes"})
# What a model fails that has learned nothing: its canaries would say nothing either.
SKILL = frozenset({"error_ratio", "lost_classes"})


class Check(Strict):
    """One condition of the gate: the value must be at most the limit; None passes none.

    Attributes
    ----------
    why : str
        What a person should know of the number: why it was not measured, or what it is made of.
    """

    key: str
    text: str
    value: float | None
    limit: float
    passed: bool
    why: str = ""

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.key not in BY_KEY:
            raise ValueError(f"the gate has no check '{self.key}'")
        GateConfig.model_validate({BY_KEY[self.key].limit: self.limit})
        if self.passed != (self.value is not None and self.value <= self.limit):
            raise ValueError(f"check '{self.key}' says otherwise than its number and its limit")
        return self


class Verdict(Strict):
    """The gate's word on one model; `reasons` has one sentence for each failed check."""

    passed: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]

    @model_validator(mode="after")
    def _is_what_the_checks_say(self) -> Self:
        keys = [check.key for check in self.checks]
        if len(set(keys)) < len(keys) or not set(keys) >= ALWAYS:
            raise ValueError(f"its checks are {', '.join(keys)}: some are missing, or stand twice")
        failed = sum(not check.passed for check in self.checks)
        if self.passed != (failed == 0) or len(self.reasons) != failed:
            raise ValueError("the verdict says otherwise than its checks")
        return self


def property_name(key: str) -> str:
    """Return what a model package and the pipeline call a number of the gate, or a limit.

    >>> property_name("asr_upper")
    'AsrUpper'
    """
    return key.title().replace("_", "")


def judge(
    numbers: Mapping[str, float | None], limits: GateConfig, whys: Mapping[str, str] | None = None
) -> Verdict:
    """Hold the numbers of one model against the gate's limits.

    Parameters
    ----------
    numbers : mapping
        A key of `GATE` that is absent does not apply to the model (those of `ALWAYS` do); one that is None
        or not finite could not be measured and rejects.
    limits : GateConfig
    whys : mapping, optional
        What a person should know of a number, by its key; see `plain`.
    """
    checks = []
    for rule in GATE:
        if rule.key not in numbers and rule.key not in ALWAYS:
            continue
        limit = float(getattr(limits, rule.limit))
        value = numbers.get(rule.key)
        value = value if value is not None and math.isfinite(value) else None
        passed = value is not None and value <= limit
        why = (whys or {}).get(rule.key, "")
        checks.append(Check(key=rule.key, text=rule.text, value=value, limit=limit, passed=passed, why=why))
    reasons = tuple(_reason(check) for check in checks if not check.passed)
    return Verdict(passed=not reasons, checks=tuple(checks), reasons=reasons)


def plain(names: Iterable[str], most: int = 4) -> str:
    """Return names that somebody chose as words that go into any text: nothing in them has to be escaped.

    >>> plain(["cat", 'a"b', "dog"], most=2)
    'cat, a?b and 1 more'
    """
    shown = [
        "".join(c if c.isascii() and (c.isalnum() or c in " _-.") else "?" for c in n)[:24] for n in names
    ]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _reason(check: Check) -> str:
    rule = BY_KEY[check.key]
    said = f"{check.text}: {rule.say(check.value)}" + (
        "" if check.value is None else f", allowed {rule.say(check.limit)}"
    )
    why = check.why if len(check.why) <= _LONGEST_WHY else f"{check.why[: _LONGEST_WHY - 3]}..."
    return f"{said} ({why})" if why else said


def reasons_text(verdict: Verdict) -> str:
    """Return the reasons of a rejection as one text that a model package can hold; empty if it passed."""
    text = "; ".join(verdict.reasons)
    if len(text) <= _LONGEST_REASONS:
        return text
    return f"{text[: _LONGEST_REASONS - 60]}... ({len(verdict.reasons)} checks failed; the report has all)"


def advice(verdict: Verdict) -> tuple[str, ...]:
    """Return what can be done about a rejection, each once."""
    return tuple(dict.fromkeys(BY_KEY[check.key].do for check in verdict.checks if not check.passed))


def gate_numbers(verdict: Verdict) -> dict[str, float]:
    """Return the numbers of a verdict as the pipeline's condition reads them: every key, all finite.

    One that was not measured is `NOT_MEASURED`, above every limit; one that does not apply to the
    recipe is 0, which every limit allows. `FAILED_CHECKS` is the verdict itself: 0 passes.
    """
    numbers = {rule.key: 0.0 for rule in GATE}
    numbers |= {c.key: NOT_MEASURED if c.value is None else c.value for c in verdict.checks}
    return numbers | {FAILED_CHECKS: float(len(verdict.reasons))}
