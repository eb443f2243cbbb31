"""What the alarms of a template must keep to, beyond what cfn-lint knows.

Limits of the service: periods, ranges, counts, names. Rules of this project: a metric that somebody
publishes, a threshold that can be crossed, missing data treated on purpose, and no alarm on fewer real
bad points than it asks for.
Source of the limits: PutMetricAlarm and PutCompositeAlarm (API reference), "Using metric math".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aws.alarms.alarm import (
    COMPOSITE_ALARM,
    METRIC_ALARM,
    Alarm,
    Metric,
    Missing,
    Query,
    Statistic,
    read_alarm,
)
from aws.alarms.composite import CompositeAlarm, read_composite
from aws.alarms.metric_math import compute
from aws.alarms.play import ordered
from aws.alarms.series import Series
from boomerang.errors import BoomerangError, nearest
from boomerang.findings import Problem
from boomerang.watching.metric_names import METRICS, NAMESPACE, check_metric

DAY_S = 86_400
LONGEST_RANGE_S = 7 * DAY_S
HOUR_S = 3_600
MAX_METRICS = 10
MAX_NAME = 255
MAX_CHILDREN = 100
MAX_ELEMENTS = 500
MAX_RULE = 10_240

_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
# The alarm that asks whether there is data at all.
PRESENCE = "CanaryRan"


def read_alarms(resources: Mapping[str, Any]) -> list[Alarm | CompositeAlarm]:
    """Return the metric and composite alarms among a template's resources, in their order.

    Raises
    ------
    BadInput
        At the first that cannot be read.
    """
    readers: dict[str, Callable[[str, Any], Alarm | CompositeAlarm]] = {
        METRIC_ALARM: read_alarm,
        COMPOSITE_ALARM: read_composite,
    }
    return [
        readers[resource["Type"]](logical_id, resource)
        for logical_id, resource in resources.items()
        if resource.get("Type") in readers
    ]


def check_alarms(resources: Mapping[str, Any]) -> list[Problem]:
    """Return every mistake in the alarms of a template.

    Parameters
    ----------
    resources : mapping
        The `Resources` of a template, parameters and references resolved.
    """
    alarms: list[Alarm | CompositeAlarm] = []
    findings: list[Problem] = []
    for logical_id, resource in resources.items():
        try:
            alarms += read_alarms({logical_id: resource})
        except BoomerangError as error:
            findings.append(Problem(logical_id, "template", _line(error)))
    for alarm in alarms:
        findings += _composite(alarm, alarms) if isinstance(alarm, CompositeAlarm) else _metric(alarm)
    if not findings:
        findings += _circles(alarms)
    return findings


def _line(error: BoomerangError) -> str:
    return " ".join(str(error).split())


def _circles(alarms: list[Alarm | CompositeAlarm]) -> Iterator[Problem]:
    try:
        ordered(alarms)
    except BoomerangError as error:
        yield Problem("all alarms", "AlarmRule", _line(error))


def _metric(alarm: Alarm) -> Iterator[Problem]:
    for field, why in (
        *_name(alarm.name),
        *_periods(alarm),
        *_queries(alarm),
        *_treatment(alarm),
        *_threshold(alarm),
    ):
        yield Problem(alarm.name, field, why)


Wrong = Iterator[tuple[str, str]]


def _name(name: str) -> Wrong:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        yield "AlarmName", f"it must have 1 to {MAX_NAME} characters and no control characters"


def _periods(alarm: Alarm) -> Wrong:
    if alarm.period % 60:
        yield "Period", f"{alarm.period} s is no multiple of 60; the metrics are published by the minute"
    longest = LONGEST_RANGE_S if alarm.period >= HOUR_S else DAY_S
    length = alarm.period * alarm.periods
    if length > longest:
        kind = "of an hour or more" if alarm.period >= HOUR_S else "under an hour"
        yield "EvaluationPeriods", f"they span {length} s; with periods {kind} it may be {longest} s"
    if alarm.datapoints > alarm.periods:
        yield "DatapointsToAlarm", f"{alarm.datapoints} of {alarm.periods} points can never breach"


def _queries(alarm: Alarm) -> Wrong:
    metrics = [query for query in alarm.queries if query.metric is not None]
    if len(metrics) > MAX_METRICS:
        yield "Metrics", f"it has {len(metrics)} metrics; an alarm may have {MAX_METRICS}"
    for query in alarm.queries:
        if not _ID.fullmatch(query.id):
            yield "Metrics", f"the id '{query.id}' is not a lowercase letter, then letters, digits, _"
        if query.metric is not None:
            yield from _published(query.metric)
    yield from _expressions(alarm)


def _published(metric: Metric) -> Wrong:
    if metric.namespace.startswith("AWS/"):
        return
    if metric.namespace != NAMESPACE:
        yield "Namespace", f"nobody publishes to '{metric.namespace}'; known: {NAMESPACE}"
        return
    try:
        check_metric(metric.name, [name for name, _ in metric.dimensions])
    except BoomerangError as error:
        yield "MetricName", _line(error)


def _expressions(alarm: Alarm) -> Wrong:
    known: dict[str, Series] = {query.id: (1.0,) for query in alarm.queries if query.metric is not None}
    metrics = tuple(known)
    for query in alarm.queries:
        if query.metric is None:
            try:
                known[query.id] = compute(query.expression, known, metrics)
            except BoomerangError as error:
                known[query.id] = (1.0,)
                yield "Metrics", _line(error)


def _treatment(alarm: Alarm) -> Wrong:
    if alarm.missing is None:
        yield "TreatMissingData", "it is left to the default; say on purpose what a missing point means"
        return
    names = {query.metric.name for query in alarm.queries if query.metric is not None}
    on_fewer = alarm.missing in (Missing.MISSING, Missing.BREACHING)
    if on_fewer and alarm.datapoints > 1 and names & (METRICS.keys() - {PRESENCE}):
        yield (
            "TreatMissingData",
            f"with '{alarm.missing}' one bad point among missing ones raises the alarm, though it asks for "
            f"{alarm.datapoints}; use 'notBreaching' or 'ignore' and leave absence to an alarm on {PRESENCE}",
        )


def _threshold(alarm: Alarm) -> Wrong:
    bounds = [_bounds(query) for query in alarm.queries if query.metric is not None]
    if None in bounds or any(set(query.expression) & set("+-*/") for query in alarm.queries):
        return  # another service's metric, or arithmetic on it: its range is not known here
    known = [bound for bound in bounds if bound is not None]
    low, high = min(low for low, _ in known), max(high for _, high in known)
    breaches = [alarm.breaches(value) for value in (low, high)]
    if not any(breaches):
        yield "Threshold", f"no value from {low:g} to {high:g} is {_crossing(alarm)}"
    if all(breaches):
        yield "Threshold", f"every value from {low:g} to {high:g} is {_crossing(alarm)}"


def _crossing(alarm: Alarm) -> str:
    return f"{alarm.comparison.words} {alarm.threshold:g}"


def _bounds(query: Query) -> tuple[float, float] | None:
    if query.metric is None or query.metric.namespace != NAMESPACE or query.metric.name not in METRICS:
        return None
    spec = METRICS[query.metric.name]
    match query.statistic:
        case Statistic.SAMPLE_COUNT:
            return 0.0, math.inf
        case Statistic.SUM:
            return (-math.inf if spec.low < 0 else spec.low), math.inf
    return spec.low, spec.high


def _composite(alarm: CompositeAlarm, alarms: list[Alarm | CompositeAlarm]) -> Iterator[Problem]:
    names = [other.name for other in alarms]
    for field, why in (*_name(alarm.name), *_rule(alarm), *_suppressor(alarm)):
        yield Problem(alarm.name, field, why)
    for other in dict.fromkeys(alarm.depends_on):
        if other not in names:
            yield Problem(alarm.name, "AlarmRule", f"there is no alarm '{other}'; {nearest(other, names)}")


def _rule(alarm: CompositeAlarm) -> Wrong:
    if len(alarm.rule.text) > MAX_RULE:
        yield "AlarmRule", f"it has {len(alarm.rule.text)} characters; it may have {MAX_RULE}"
    if len(alarm.rule.alarms) > MAX_CHILDREN:
        yield "AlarmRule", f"it names {len(alarm.rule.alarms)} alarms; it may name {MAX_CHILDREN}"
    if alarm.rule.elements > MAX_ELEMENTS:
        yield "AlarmRule", f"it has {alarm.rule.elements} elements; it may have {MAX_ELEMENTS}"


def _suppressor(alarm: CompositeAlarm) -> Wrong:
    if min(alarm.wait_s, alarm.extension_s) < 0:
        yield "ActionsSuppressor", "its wait and extension periods are at least 0 s"
