"""The mistakes in a dashboard's body that CloudWatch takes without a word, or refuses only on the day.

PutDashboard validates little: a widget over a metric that nobody publishes is stored and stays empty. So
every metric is held against `boomerang.watching.metric_names.METRICS`, or against what AWS documents of its
own; every threshold that is drawn against the alarms, where they are given.
Source of keys and geometry: CloudWatch API Reference, "Dashboard Body Structure and Syntax". Of the limits:
CloudWatch User Guide, "CloudWatch service quotas": 500 widgets a dashboard, 500 metrics a widget, 2,500
metrics a dashboard, those used in metric math included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from aws.alarms import Alarm, CompositeAlarm
from aws.alarms.metric_math import compute
from aws.dashboard.body import BILLING, PIPELINES, Body
from aws.dashboard.search import read_search
from boomerang.errors import BoomerangError, nearest
from boomerang.findings import Problem
from boomerang.watching.metric_names import METRICS, NAMESPACE, check_metric

COLUMNS = 24
MAX_HEIGHT = 1_000
MAX_WIDGETS = 500
MAX_METRICS = 2_500
MAX_METRICS_A_WIDGET = 500
MAX_ALARMS = 100

# What AWS publishes, as far as it is drawn here: the metrics with their dimensions.
FOREIGN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    PIPELINES: {"ExecutionDuration": ("PipelineName",), "StepDuration": ("PipelineName", "StepName")},
    BILLING: {"EstimatedCharges": ("Currency",)},
}

_BODY = {"start", "end", "periodOverride", "widgets", "variables"}
_WIDGET = {"type", "x", "y", "width", "height", "properties"}
_PROPERTIES = {
    "text": {"markdown", "background"},
    "alarm": {"alarms", "sortBy", "states", "title"},
    "metric": {
        "accountId", "annotations", "end", "legend", "liveData", "metrics", "period", "region",
        "setPeriodToTimeRange", "singleValueFullPrecision", "sparkline", "stacked", "start", "stat", "table",
        "timezone", "title", "trend", "view", "yAxis",
    },
}  # fmt: skip
_REQUIRED = {"text": {"markdown"}, "alarm": {"alarms"}, "metric": {"region", "metrics"}}
_OPTIONS = {
    "accountId", "color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis",
}  # fmt: skip
_LINE = {"value", "label", "color", "fill", "visible", "yAxis"}
_AXIS = {"min", "max", "label", "showUnits"}
_VIEWS = {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
_FILLS = {"above", "below", "none"}
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_ALARM_ARN = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]+:\d{12}:alarm:(?P<name>.+)")
_SHORT_PERIODS = {1, 5, 10, 30}


Mistakes = Iterator[tuple[str, str]]  # field, why


def check_dashboard(body: Body, alarms: Sequence[Alarm | CompositeAlarm] = ()) -> list[Problem]:
    """Return every mistake in a dashboard's body.

    Parameters
    ----------
    body : mapping
        From `dashboard_body`, or read from JSON.
    alarms : sequence, optional
        Those of the stack: an alarm that is shown must be one of them, and a line that is drawn must be the
        threshold of one that watches a metric of the same graph.
    """
    widgets = body.get("widgets")
    if not isinstance(widgets, list) or not all(isinstance(widget, dict) for widget in widgets):
        return [Problem("dashboard", "widgets", "it is no list of widgets")]
    found = [Problem("dashboard", field, why) for field, why in _of_body(body, widgets)]
    for number, widget in enumerate(widgets):
        found += [Problem(_name(widget, number), field, why) for field, why in _of_widget(widget, alarms)]
    return found


def _name(widget: Mapping[str, Any], number: int) -> str:
    properties = widget.get("properties")
    title = properties.get("title") if isinstance(properties, dict) else None
    return str(title) if title else f"widget {number}"


def _of_body(body: Body, widgets: list[dict[str, Any]]) -> Mistakes:
    yield from _unknown(body, _BODY)
    if len(widgets) > MAX_WIDGETS:
        yield "widgets", f"{len(widgets)}, CloudWatch takes {MAX_WIDGETS}"
    count = sum(len(_metrics_of(widget)) for widget in widgets)
    if count > MAX_METRICS:
        yield "widgets", f"{count:,} metrics, CloudWatch takes {MAX_METRICS:,}"
    placed = [(number, widget) for number, widget in enumerate(widgets) if _is_placed(widget)]
    for (i, one), (j, other) in combinations(placed, 2):
        if _overlap(one, other):
            yield "widgets", f"{_name(one, i)} and {_name(other, j)} overlap"


def _metrics_of(widget: Mapping[str, Any]) -> list[Any]:
    properties = widget.get("properties")
    metrics = properties.get("metrics") if isinstance(properties, dict) else None
    return metrics if isinstance(metrics, list) else []


def _unknown(content: Mapping[str, Any], known: set[str], where: str = "") -> Mistakes:
    for key in content:
        if key not in known:
            yield f"{where}{key}", f"CloudWatch does not know it; {nearest(str(key), known)}"


def _is_placed(widget: Mapping[str, Any]) -> bool:
    return all(isinstance(widget.get(key), int) for key in ("x", "y", "width", "height"))


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def _of_widget(widget: Mapping[str, Any], alarms: Sequence[Alarm | CompositeAlarm]) -> Mistakes:
    yield from _unknown(widget, _WIDGET)
    yield from _of_place(widget)
    kind, properties = widget.get("type"), widget.get("properties")
    if kind not in _PROPERTIES:
        yield "type", f"'{kind}' is none that is used here; {nearest(str(kind), _PROPERTIES)}"
    elif not isinstance(properties, dict):
        yield "properties", "there are none"
    else:
        yield from _unknown(properties, _PROPERTIES[kind])
        missing = _REQUIRED[kind] - properties.keys()
        yield from ((key, "it is missing") for key in sorted(missing))
        if not missing:
            yield from _KINDS[kind](properties, alarms)


def _of_place(widget: Mapping[str, Any]) -> Mistakes:
    if not _is_placed(widget):
        yield "place", "give x, y, width and height as whole numbers"
        return
    if widget["x"] < 0 or widget["width"] < 1 or widget["x"] + widget["width"] > COLUMNS:
        yield "place", f"x {widget['x']} and width {widget['width']} leave the {COLUMNS} columns"
    if widget["y"] < 0 or not 1 <= widget["height"] <= MAX_HEIGHT:
        yield "place", f"y {widget['y']} or height {widget['height']} is out of bounds"


def _of_text(properties: Mapping[str, Any], _: Sequence[Alarm | CompositeAlarm]) -> Mistakes:
    if not isinstance(properties["markdown"], str) or not properties["markdown"].strip():
        yield "markdown", "it says nothing"


def _of_alarms(properties: Mapping[str, Any], alarms: Sequence[Alarm | CompositeAlarm]) -> Mistakes:
    shown = properties["alarms"]
    if not isinstance(shown, list) or not 1 <= len(shown) <= MAX_ALARMS:
        yield "alarms", f"give 1 to {MAX_ALARMS} of them"
        return
    known = {alarm.name for alarm in alarms}
    for arn in shown:
        found = _ALARM_ARN.fullmatch(str(arn))
        if found is None:
            yield "alarms", f"'{arn}' is no ARN of an alarm"
        elif known and found["name"] not in known:
            yield "alarms", f"there is no alarm '{found['name']}'; {nearest(found['name'], known)}"


def _of_graph(properties: Mapping[str, Any], alarms: Sequence[Alarm | CompositeAlarm]) -> Mistakes:
    view = properties.get("view", "timeSeries")
    if view not in _VIEWS:
        yield "view", f"there is no '{view}'; {nearest(str(view), _VIEWS)}"
    if not _is_period(properties.get("period", 300)):
        yield "period", f"{properties['period']!r} is not 1, 5, 10, 30 or a multiple of 60 seconds"
    metrics = properties["metrics"]
    if not isinstance(metrics, list) or not 1 <= len(metrics) <= MAX_METRICS_A_WIDGET:
        yield "metrics", f"give 1 to {MAX_METRICS_A_WIDGET} of them"
        return
    yield from _of_entries(metrics)
    for side, axis in properties.get("yAxis", {}).items():
        yield from _of_axis(side, axis)
    for line in properties.get("annotations", {}).get("horizontal", ()):
        yield from _of_line(line, {str(name) for name in _names(metrics)}, alarms)


def _is_period(period: Any) -> bool:
    return isinstance(period, int) and (period in _SHORT_PERIODS or (period > 0 and period % 60 == 0))


def _of_entries(metrics: list[Any]) -> Mistakes:
    ids: list[str] = []
    for entry in metrics:
        options = entry[-1] if isinstance(entry, list) and entry and isinstance(entry[-1], dict) else {}
        yield from _unknown(options, _OPTIONS, "metrics.")
        yield from _of_entry(entry, options, ids)
        if "id" in options:
            if not _ID.fullmatch(str(options["id"])) or options["id"] in ids:
                yield "metrics.id", f"'{options['id']}' is no id, or is given twice"
            ids.append(str(options["id"]))


def _of_entry(entry: Any, options: Mapping[str, Any], ids: list[str]) -> Mistakes:
    words = entry[: len(entry) - bool(options)] if isinstance(entry, list) else []
    try:
        if "expression" in options and not words:
            _check_expression(str(options["expression"]), ids)
        elif len(words) >= 2 and not len(words) % 2 and all(isinstance(word, str) for word in words):
            # The short form with dots is refused: it says nothing without the line above it.
            _check_published(words[0], words[1], words[2::2])
        else:
            yield "metrics", f"{entry!r} is not namespace, name, and pairs of dimension and value"
    except BoomerangError as error:
        yield "metrics", f"{error.what}: {error.why}"


def _check_expression(expression: str, ids: list[str]) -> None:
    if "SEARCH" in expression:
        search = read_search(expression)
        _check_published(search.namespace, search.name, search.dimensions)
    else:
        compute(expression, dict.fromkeys(ids, (1.0,)), tuple(ids))


def _check_published(namespace: str, name: str, dimensions: Sequence[str]) -> None:
    if namespace == NAMESPACE:
        check_metric(name, dimensions)
    elif FOREIGN.get(namespace, {}).get(name) != tuple(dimensions):
        why = f"nobody publishes it under {{{', '.join(dimensions)}}}"
        raise BoomerangError(f"metric '{namespace} {name}'", why)


def _of_axis(side: str, axis: Mapping[str, Any]) -> Mistakes:
    if side not in {"left", "right"}:
        yield f"yAxis.{side}", "there are left and right"
    yield from _unknown(axis, _AXIS, "yAxis.")
    if axis.get("min", 0) >= axis.get("max", float("inf")):
        yield f"yAxis.{side}", f"it ends at {axis['max']}, where it begins"


def _names(metrics: list[Any]) -> Iterator[str]:
    """Yield the metrics that a graph draws, by name, those that a search finds included."""
    for entry in metrics:
        if len(entry) > 1:
            yield entry[1]
        elif "SEARCH" in str(entry[0].get("expression")):
            yield from (name for name in METRICS if f'"{name}"' in entry[0]["expression"])


def _of_line(line: Mapping[str, Any], names: set[str], alarms: Sequence[Alarm | CompositeAlarm]) -> Mistakes:
    yield from _unknown(line, _LINE, "annotations.")
    if line.get("fill", "none") not in _FILLS:
        yield "annotations.fill", f"there is no '{line['fill']}'; {nearest(str(line['fill']), _FILLS)}"
    limits = {alarm.threshold for alarm in alarms if isinstance(alarm, Alarm) and _watches(alarm, names)}
    if alarms and line.get("value") not in limits:
        drawn = ", ".join(f"{limit:g}" for limit in sorted(limits)) or "none"
        yield "annotations.value", f"{line.get('value')} is drawn, the alarms on it have {drawn}"


def _watches(alarm: Alarm, names: set[str]) -> bool:
    return any(query.metric is not None and query.metric.name in names for query in alarm.queries)


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Sequence[Alarm | CompositeAlarm]], Mistakes]] = {
    "text": _of_text,
    "alarm": _of_alarms,
    "metric": _of_graph,
}
