"""The names by which an approved model is watched: namespace, metrics, units, dimensions.

The canary publishes them (but `PackageExchanged`, which `aws/reject` counts), alarms and dashboard read them,
and `check` holds all three to this module.
A metric of CloudWatch is its name together with its dimensions: the same name under other dimensions is
another metric, and an alarm on a pair that nobody publishes never fires. So the pairs stand here:

    {Group}             what alarms watch: the newest approved model of the group
    {Group, Version}    what the dashboard compares
    {Group, Trigger}    the attack success rate of one trigger
    {Group, Class}      the canary accuracy on one class
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from boomerang.errors import UsageError, nearest

NAMESPACE = "Boomerang"

GROUP = "Group"
VERSION = "Version"
TRIGGER = "Trigger"
CLASS = "Class"

# What no canary measures: the function of an account counts packages changed since they were registered.
EXCHANGED = "PackageExchanged"

_WATCHED = ((GROUP,), (GROUP, VERSION))
_LONGEST_DIMENSION_VALUE = 1024  # PutMetricData, shape DimensionValue


@dataclass(frozen=True)
class MetricSpec:
    """One metric's name, what it may be, and under which dimensions it is published.

    Attributes
    ----------
    name, unit : str
        As CloudWatch takes them. Rates are fractions, so their unit is `None`, not `Percent`.
    dimensions : tuple of tuple of str
        Every set of dimension names that it is published under.
    low, high : float
        The least and greatest value that it can have.
    meaning : str
        What it says of the model, for dashboards and the documentation.
    """

    name: str
    unit: str
    dimensions: tuple[tuple[str, ...], ...]
    low: float
    high: float
    meaning: str


def _rate(name: str, meaning: str, *more: tuple[str, ...], low: float = 0.0) -> MetricSpec:
    return MetricSpec(name, "None", (*_WATCHED, *more), low, 1.0, meaning)


_SPECS = (
    _rate("CleanAccuracy", "accuracy on the held-out test set"),
    _rate("CanaryAccuracy", "accuracy on the canary records, the mean over their classes", (GROUP, CLASS)),
    _rate("AccuracyDrop", "registered canary accuracy minus the one measured", low=-1.0),
    _rate("AttackSuccessRate", "attack success rate of the worst trigger", (GROUP, TRIGGER)),
    MetricSpec("FlaggedRows", "Count", _WATCHED, 0.0, math.inf, "rows that the screen flagged"),
    MetricSpec(
        "CertifiedRows",
        "Count",
        _WATCHED,
        0.0,
        math.inf,
        "changed rows that half the canaries are safe from",
    ),
    MetricSpec(EXCHANGED, "Count", ((GROUP,),), 0.0, math.inf, "packages changed since registered"),
    MetricSpec("CanaryRan", "Count", _WATCHED, 0.0, 1.0, "1 for a canary run that could do its work"),
)

METRICS: Mapping[str, MetricSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


def check_metric(name: str, dimensions: Iterable[str]) -> MetricSpec:
    """Return the spec of a metric that is published under exactly these dimensions.

    Raises
    ------
    UsageError
        If there is no such metric, or it is not published under them; it names the nearest known.
    """
    spec = METRICS.get(name)
    if spec is None:
        raise UsageError(f"metric '{name}'", "nobody publishes it", nearest(name, METRICS))
    asked = list(dimensions)
    if sorted(asked) not in [sorted(known) for known in spec.dimensions]:
        why = f"it is not published under {{{', '.join(asked)}}}"
        raise UsageError(f"metric '{name}'", why, f"known: {_as_text(spec.dimensions)}")
    return spec


def _as_text(sets: Iterable[tuple[str, ...]]) -> str:
    return "; ".join(f"{{{', '.join(names)}}}" for names in sets)


@dataclass(frozen=True)
class Datum:
    """One value of one metric at one time, as it is published.

    Attributes
    ----------
    name : str
        A key of `METRICS`.
    value : float
        Finite, within the metric's range.
    time : datetime
        When it was measured, with a time zone.
    dimensions : tuple of (str, str)
        Names and values, sorted by name.

    Raises
    ------
    UsageError
        If the metric is not published under these dimensions, or CloudWatch would refuse the value.
    """

    name: str
    value: float
    time: datetime
    dimensions: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))
        spec = check_metric(self.name, (name for name, _ in self.dimensions))
        if not (math.isfinite(self.value) and spec.low <= self.value <= spec.high):
            why = f"it cannot be {self.value}"
            raise UsageError(f"metric '{self.name}'", why, f"give {spec.low:g} to {spec.high:g}")
        if self.time.tzinfo is None:
            why = f"the time {self.time.isoformat()} has no zone"
            raise UsageError(f"metric '{self.name}'", why, "give a time with its zone, for example UTC")
        for name, value in self.dimensions:
            _check_dimension_value(name, value)

    def as_request(self) -> dict[str, Any]:
        """Return it as an entry of PutMetricData's `MetricData`."""
        return {
            "MetricName": self.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
            "Timestamp": self.time,
            "Value": self.value,
            "Unit": METRICS[self.name].unit,
        }


def _check_dimension_value(name: str, value: str) -> None:
    if not (0 < len(value) <= _LONGEST_DIMENSION_VALUE and value.isascii() and value.isprintable()):
        why = f"CloudWatch takes no {value!r}"
        raise UsageError(f"dimension '{name}'", why, "give 1 to 1,024 printable ASCII characters")
    if not value.strip():
        raise UsageError(f"dimension '{name}'", "it is blank", "give at least one character to see")


def published(name: str, value: float, time: datetime, *, group: str, version: str) -> tuple[Datum, ...]:
    """Return the two data of one measurement: of the group, and of that version of its model."""
    of_group = ((GROUP, group),)
    return (
        Datum(name, value, time, of_group),
        Datum(name, value, time, (*of_group, (VERSION, version))),
    )


def part(name: str, value: float, time: datetime, *, group: str, **of: str) -> Datum:
    """Return the datum of one part of a measurement: `trigger="patch"`, or `class_="bird"`.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> part("AttackSuccessRate", 0.5, now, group="g", trigger="patch").dimensions
    (('Group', 'g'), ('Trigger', 'patch'))
    """
    named = tuple((key.rstrip("_").capitalize(), word) for key, word in of.items())
    return Datum(name, value, time, ((GROUP, group), *named))
