"""What a canary measures, and how that is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from boomerang.formats.canary import CanaryMetrics
from boomerang.manifest import Calls, Images
from boomerang.metrics import CanaryMiss
from boomerang.scoring import Rate, balanced_accuracy, share
from boomerang.watching.briefing import CanarySettings, alarmed
from boomerang.watching.metric_names import Datum, part, published
from processing.attacks.common.trial import Trial
from processing.evaluation.numbers import canary_numbers
from training.model import Ask, calls_of

_LONGEST_WORD = 1024


@dataclass(frozen=True)
class Records:
    """The canary records, checked: uint8[N, H, W, C], int64[N], and an id `group/row` for each."""

    x: Images
    y: Calls
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    digest: str


def measure(
    settings: CanarySettings,
    records: Records,
    ask: Ask,
    attacks: tuple[Trial, ...] = (),
) -> CanaryMetrics:
    """Return the numbers of a model.

    Parameters
    ----------
    settings : CanarySettings
    records : Records
        At least one.
    ask : callable
        The model: uint8[N, H, W, C] -> float32[N, K].
    attacks : tuple of Trial
        What to measure each attack on; each aims at a class.
    """
    calls = calls_of(ask(records.x))
    right = calls == records.y
    balanced = balanced_accuracy(records.y, calls) or 0.0
    of_group = np.array([identifier.rpartition("/")[0] for identifier in records.ids])
    rates = {trial.name: share(trial.hits(calls_of(ask(trial.x)))) for trial in attacks if len(trial.y)}
    known = {name: probes.asr for name, probes in settings.probes.items() if name in rates}
    return CanaryMetrics(
        group=settings.group,
        version=settings.version,
        measured=datetime.now(UTC),
        model=settings.model,
        canaries=records.digest,
        accuracy=share(right),
        balanced=balanced,
        classes={records.classes[k]: share(right[records.y == k]) for k in np.unique(records.y)},
        groups={str(name): share(right[of_group == name]) for name in np.unique(of_group)},
        baseline=settings.baseline,
        accuracy_drop=settings.baseline - balanced,
        misses=_misses(records, calls),
        attacks=rates,
        registered={name: value for name, value in known.items() if value is not None},
        worst=max((_alarmed(t, rates[t.name], settings) for t in attacks if len(t.y)), default=None),
        flagged=settings.flagged,
        certified=settings.certified,
        not_measured={t.name: "no test image is of its classes" for t in attacks if not len(t.y)},
    )


def _alarmed(trial: Trial, rate: Rate, settings: CanarySettings) -> float:
    return alarmed(trial.outcome, rate.value or 0.0, settings.probes[trial.name].clean)


def _misses(records: Records, calls: Calls) -> tuple[CanaryMiss, ...]:
    return canary_numbers(records.y, calls, records.ids, records.classes).misses


def data_of(metrics: CanaryMetrics) -> tuple[Datum, ...]:
    """Return the numbers as they are published, `CanaryRan` last.

    Whoever finds `CanaryRan` finds all the others of that run.
    """
    time, group, version = metrics.measured, metrics.group, str(metrics.version)

    def both(name: str, value: float) -> tuple[Datum, ...]:
        return published(name, value, time, group=group, version=version)

    by_class = {word: rate.value for word, rate in metrics.classes.items() if rate.value is not None}
    by_trigger = {word: rate.value for word, rate in metrics.attacks.items() if rate.value is not None}
    return (
        *both("CanaryAccuracy", metrics.balanced),
        *both("AccuracyDrop", metrics.accuracy_drop),
        *(part("CanaryAccuracy", v, time, group=group, class_=_word(k)) for k, v in by_class.items()),
        *(part("AttackSuccessRate", v, time, group=group, trigger=_word(k)) for k, v in by_trigger.items()),
        *(() if metrics.worst is None else both("AttackSuccessRate", metrics.worst)),
        *both("FlaggedRows", float(metrics.flagged)),
        *(() if metrics.certified is None else both("CertifiedRows", float(metrics.certified))),
        *both("CanaryRan", 1.0),
    )


def _word(name: str) -> str:
    """Return a class or a trigger as CloudWatch takes it: printable ASCII, anything else as its escape."""
    plain = "".join(c if c.isascii() and c.isprintable() else ascii(c)[1:-1] for c in name)
    return plain[:_LONGEST_WORD]
