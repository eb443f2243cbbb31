"""A combination: what any of several detectors flags, each at its part of one share of clean rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from boomerang.config import Spec
from boomerang.kinds import unique_names
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.scale import center_and_tail
from processing.defenses.screening import DETECTORS

_MAX_FPR = "max_fpr"


@dataclass(frozen=True)
class Together:
    """What the detectors have measured, each by itself, in the order of `of`."""

    members: tuple[Scored[Any], ...]


class Combination(Detector):
    """The union of what several detectors flag, at one false-positive rate for all of them together.

    Detectors that stand beside each other in a screen flag `max_fpr` of the clean rows each, together up to
    that many times more. Here each of m detectors has `max_fpr` / m (Bonferroni), so a further clean row is
    flagged with probability `max_fpr` at most, however the detectors depend on one another.

    It pays where the members miss different poison. docs/results.md has it beside its members, beside the sum
    and the largest of their calibrated scores, and beside a logistic regression that learns from trusted rows
    and from poison that the defender makes of them. That regression is worse than the best member alone: the
    victim has not learned the defender's triggers, so what is planted shows as wrong labels and no more.

    A row's score is the largest that a member gives it, with the median of the member's trusted rows at 0 and
    their 95th percentile at 1. It orders rows and does not decide.

    Attributes
    ----------
    of : list of detectors
        Two or more, as they stand under `[[screen.detectors]]`, each with settings of its own but
        `max_fpr`. Those can be combined that set a threshold by trusted rows (`rule = "trusted"`).
    max_fpr : float
        The share of clean rows that all of them together may flag, as far as they are like the trusted ones.
        Fewer than m / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "combination"
    source: ClassVar[str] = "Bonferroni 1936; of detectors that each hold a rate (Vovk et al. 2005)"
    assumes: ClassVar[str] = "its members miss different poison; each assumes what it assumes alone"
    costs: ClassVar[str] = "what its m members cost, and m / max_fpr trusted rows"
    fails: ClassVar[str] = (
        "what all of its members miss, and what one of them finds only just: each is held to a lower rate "
        "than it would be alone"
    )

    kind: Literal["combination"] = "combination"
    of: tuple[Spec, ...] = Field(
        default=(Spec(kind="scan"), Spec(kind="confident_learning")), min_length=2, validate_default=True
    )
    max_fpr: float = Field(default=0.005, gt=0, lt=0.5)

    @field_validator("of")
    @classmethod
    def _with_all_settings(cls, of: tuple[Spec, ...]) -> tuple[Spec, ...]:
        return tuple(_member(spec) for spec in of)

    def score(self, suspect: Suspect) -> Scored[Together]:
        """Have every detector measure every row; raises what they raise."""
        return together([detector.score(suspect) for detector in self._detectors()])

    def decide(self, scored: Scored[Together]) -> Finding:
        """Flag what any of them flags at its part of `max_fpr`."""
        detectors = self._detectors()
        findings = [each.decide(of) for each, of in zip(detectors, scored.state.members, strict=True)]
        names = unique_names([each.kind for each in detectors])
        notes = {
            name: {"flagged": int(each.flagged.sum()), "threshold": each.threshold, **each.notes}
            for name, each in zip(names, findings, strict=True)
        }
        warnings = [
            f"{name}: {why}" for name, each in zip(names, findings, strict=True) for why in each.warnings
        ]
        flagged = np.any([each.flagged for each in findings], axis=0)
        return Finding(scored.scores, flagged, notes={"of": notes}, warnings=tuple(warnings))

    def _detectors(self) -> list[Detector]:
        part = {_MAX_FPR: self.max_fpr / len(self.of)}
        return [_create(spec).model_copy(update=part) for spec in self.of]


def together(members: Sequence[Scored[Any]]) -> Scored[Together]:
    """Return what several detectors have measured, in the order of `of`, as one."""
    return Scored(np.max([_on_its_scale(each) for each in members], axis=0), Together(tuple(members)))


def _create(spec: Spec) -> Detector:
    return DETECTORS.create(spec, "combination, one of 'of'")


def _member(spec: Spec) -> Spec:
    """Return an entry with all of its settings but the rate.

    Raises
    ------
    ConfigError
        If there is no such detector, or a setting of its own is wrong.
    ValueError
        If it cannot be combined.
    """
    detector = _create(spec) if spec.kind != Combination.model_fields["kind"].default else None
    if detector is None or _MAX_FPR not in type(detector).model_fields:
        raise ValueError(f"'{spec.kind}' cannot be combined, but {', '.join(_combinable())}")
    if _MAX_FPR in (spec.model_extra or {}):
        raise ValueError(f"'{spec.kind}' has a max_fpr of its own, but it gets its part of the combination's")
    settings = detector.model_dump(mode="json", exclude={_MAX_FPR})
    if settings.get("rule", "trusted") != "trusted":
        raise ValueError(f"'{spec.kind}' holds no rate by its rule '{settings['rule']}', but by 'trusted'")
    return Spec.model_validate(settings)


def _combinable() -> list[str]:
    """Return the kinds of detectors that set a threshold by trusted rows."""
    own = Combination.model_fields["kind"].default
    return [kind for kind, found in DETECTORS.items() if _MAX_FPR in found.model_fields and kind != own]


def _on_its_scale(scored: Scored[Any]) -> Scores:
    """Return float64[N], scores with the trusted rows' median at 0 and their 95th percentile at 1."""
    trusted: Scores = scored.state.trusted
    center, tail = center_and_tail(trusted) if len(trusted) else (0.0, 1.0)
    return np.asarray((scored.scores - center) / (tail or 1.0))
