"""The dashboard's body: one builder, for CloudWatch and for the page on a laptop.

Thresholds are those of the alarms, read from the same template, so a line that is drawn is the line that
an alarm looks at. Metrics are those of `boomerang.watching.metric_names`; two namespaces are AWS's own:

    AWS/Sagemaker/ModelBuildingPipeline    ExecutionDuration by PipelineName, StepDuration by PipelineName
                                           and StepName, in milliseconds; written with a small m
    AWS/Billing                            EstimatedCharges by Currency: the whole account, the month so
                                           far, in us-east-1 alone, where billing alerts are turned on

Source: SageMaker Developer Guide, "SageMaker pipelines metrics"; CloudWatch User Guide, "Creating a billing
alarm". CloudWatch has no metric of what one pipeline costs; the dashboard says so.
Source of the body's form: CloudWatch API Reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws.alarms import Alarm, CompositeAlarm, Where, read_alarm, read_alarms
from aws.alarms.alarm import Statistic
from aws.dashboard.search import Search
from aws.stack.intrinsics import Stack
from boomerang.watching.metric_names import CLASS, GROUP, NAMESPACE, TRIGGER, VERSION, check_metric

PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
BILLING = "AWS/Billing"
BILLING_REGION = "us-east-1"
MS_PER_MINUTE = 60_000

Body = dict[str, Any]
Widget = dict[str, Any]

_LIMIT = "#a32a12"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!<>|~-])")


@dataclass(frozen=True)
class Newest:
    """The newest package of the group: `created` as ISO 8601, `why` is the reason of its status."""

    version: int
    status: str
    created: str
    why: str = ""


@dataclass(frozen=True)
class Watched:
    """What a dashboard is of.

    Attributes
    ----------
    region, group : str
    pipeline, canary_pipeline : str
        Their names in SageMaker.
    alarms : tuple of str
        ARNs, in the order in which they are shown.
    period : int
        Seconds between two canaries: the period of the alarms.
    floor, max_drop, max_asr : float
        The thresholds of the alarms, as fractions.
    newest : Newest or None
        None where nothing is registered yet.
    """

    region: str
    group: str
    pipeline: str
    canary_pipeline: str
    alarms: tuple[str, ...]
    period: int
    floor: float
    max_drop: float
    max_asr: float
    newest: Newest | None = None


def watched(stack: Stack, where: Where | None = None, newest: Newest | None = None) -> Watched:
    """Return what a stack's dashboard is of: the alarms of its template, with their thresholds.

    Raises
    ------
    BadInput
        If an alarm of the template cannot be read.
    """
    where = where or Where()
    project, group = (str(stack.resolve({"Ref": name})) for name in ("ProjectName", "PackageGroup"))
    floor, drop, attack = (
        read_alarm(name, stack.resources[name])
        for name in ("AccuracyFloorAlarm", "AccuracyDropAlarm", "AttackAlarm")
    )
    alarms = sorted(read_alarms(stack.resources), key=_composite_first)
    return Watched(
        region=where.region,
        group=group,
        pipeline=project,
        canary_pipeline=f"{project}-canary",
        alarms=tuple(where.arn(alarm.name) for alarm in alarms),
        period=floor.period,
        floor=floor.threshold,
        max_drop=drop.threshold,
        max_asr=attack.threshold,
        newest=newest,
    )


def _composite_first(alarm: Alarm | CompositeAlarm) -> bool:
    return isinstance(alarm, Alarm)


def dashboard_body(of: Watched) -> Body:
    """Return the body of the dashboard, as PutDashboard takes it once it is JSON text.

    Parameters
    ----------
    of : Watched

    Returns
    -------
    mapping
        `check_dashboard` finds no mistake in it.
    """
    rows = [
        (4, [(9, _newest(of)), (15, _alarms(of))]),
        (7, [(12, _accuracy(of)), (12, _drop(of))]),
        (7, [(12, _classes(of)), (12, _triggers(of))]),
        (6, [(6, _versions(of)), (6, _flagged(of)), (6, _certified(of)), (6, _ran(of))]),
        (6, [(8, _durations(of)), (8, _steps(of)), (8, _charges())]),
        (2, [(24, _cost_note())]),
    ]
    return {"start": "-P4W", "periodOverride": "inherit", "widgets": list(_placed(rows))}


def _placed(rows: Iterable[tuple[int, list[tuple[int, Widget]]]]) -> Iterable[Widget]:
    """Yield widgets with their places: rows from top to bottom, in each from left to right."""
    y = 0
    for height, row in rows:
        x = 0
        for width, widget in row:
            yield {**widget, "x": x, "y": y, "width": width, "height": height}
            x += width
        y += height


# ---- widgets that say


def _newest(of: Watched) -> Widget:
    limits = (
        f"- canary accuracy at least **{of.floor:.4g}**",
        f"- accuracy lost at most **{of.max_drop:.4g}**",
        f"- attack success rate at most **{of.max_asr:.4g}**",
    )
    return _text(
        "\n".join([f"## {plain(of.group)}", "", *_package(of.newest), "", "Its limits:", "", *limits])
    )


def _package(newest: Newest | None) -> list[str]:
    if newest is None:
        return ["No package is registered yet."]
    created = f", registered {plain(newest.created)}"
    said = [f"Newest package: **version {newest.version}**, **{plain(newest.status)}**{created}"]
    return [*said, "", plain(newest.why)] if newest.why else said


def _cost_note() -> Widget:
    return _text(
        "**What a run costs is no metric.** CloudWatch knows the charges of the whole account for the month "
        "so far, and only where billing alerts are turned on. A run costs the instance-hours of its steps, "
        "whose durations are above."
    )


def _text(markdown: str) -> Widget:
    return {"type": "text", "properties": {"markdown": markdown}}


def plain(text: str) -> str:
    """Return text as Markdown that shows it and does nothing else: signs escaped, one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _alarms(of: Watched) -> Widget:
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": list(of.alarms)}}


# ---- widgets that draw


def _accuracy(of: Watched) -> Widget:
    """The registered accuracy is the measured one plus the drop: nobody has to publish a constant."""
    return _graph(
        of,
        "Accuracy against the registered baseline",
        [
            _metric(of, "CanaryAccuracy", Statistic.MINIMUM, id="canary", label="canary records"),
            _metric(of, "CleanAccuracy", Statistic.MINIMUM, id="clean", label="held-out test set"),
            _metric(of, "AccuracyDrop", Statistic.MAXIMUM, id="drop", visible=False),
            [{"id": "registered", "expression": "canary + drop", "label": "registered baseline"}],
        ],
        limit=("floor", of.floor, "below"),
        axis={"min": 0, "max": 1},
    )


def _drop(of: Watched) -> Widget:
    return _graph(
        of,
        "Accuracy lost against the registered baseline",
        [_metric(of, "AccuracyDrop", Statistic.MAXIMUM, label="drop")],
        limit=("most allowed", of.max_drop, "above"),
    )


def _classes(of: Watched) -> Widget:
    found = _search(of, "CanaryAccuracy", CLASS, Statistic.MINIMUM)
    return _graph(of, "Canaries by class", [found], axis={"min": 0, "max": 1})


def _triggers(of: Watched) -> Widget:
    return _graph(
        of,
        "Attack success rate by trigger",
        [
            _metric(of, "AttackSuccessRate", Statistic.MAXIMUM, label="the worst"),
            _search(of, "AttackSuccessRate", TRIGGER, Statistic.MAXIMUM),
        ],
        limit=("most allowed", of.max_asr, "above"),
        axis={"min": 0, "max": 1},
    )


def _versions(of: Watched) -> Widget:
    return _graph(
        of,
        "Canary accuracy by version",
        [_search(of, "CanaryAccuracy", VERSION, Statistic.MINIMUM, label="version ${PROP('Dim.Version')}")],
        limit=("floor", of.floor, "below"),
        axis={"min": 0, "max": 1},
    )


def _flagged(of: Watched) -> Widget:
    rows = _metric(of, "FlaggedRows", Statistic.MAXIMUM, label="rows")
    return _graph(of, "Rows flagged by the screen", [rows], axis={"min": 0})


def _certified(of: Watched) -> Widget:
    rows = _metric(of, "CertifiedRows", Statistic.MINIMUM, label="rows")
    return _graph(of, "Changed rows that half of the canaries are safe from", [rows], axis={"min": 0})


def _ran(of: Watched) -> Widget:
    ran = _metric(of, "CanaryRan", Statistic.SUM, label="canaries")
    return _graph(of, "Canaries that could do their work", [ran], axis={"min": 0})


def _durations(of: Watched) -> Widget:
    names = {"run": of.pipeline, "canary": of.canary_pipeline}
    measured = [
        [
            PIPELINES,
            "ExecutionDuration",
            "PipelineName",
            name,
            {"id": key, "visible": False, "stat": "Maximum"},
        ]
        for key, name in names.items()
    ]
    shown = [
        [{"id": f"{key}_minutes", "expression": f"{key} / {MS_PER_MINUTE}", "label": name}]
        for key, name in names.items()
    ]
    return _graph(of, "Duration of the pipelines, minutes", [*measured, *shown], axis={"min": 0})


def _steps(of: Watched) -> Widget:
    found = Search(
        PIPELINES, "StepDuration", ("PipelineName", "StepName"), {"PipelineName": of.pipeline},
        Statistic.MAXIMUM, of.period, MS_PER_MINUTE,
    )  # fmt: skip
    entry = [{"expression": found.expression, "label": "${PROP('Dim.StepName')}"}]
    return _graph(of, "Duration of the steps, minutes", [entry], axis={"min": 0})


def _charges() -> Widget:
    return {
        "type": "metric",
        "properties": {
            "title": "Charges of the account this month, USD",
            "view": "timeSeries",
            "region": BILLING_REGION,
            "period": 86_400,
            "metrics": [
                [BILLING, "EstimatedCharges", "Currency", "USD", {"stat": "Maximum", "label": "month so far"}]
            ],
            "yAxis": {"left": {"min": 0, "showUnits": False}},
        },
    }


def _metric(of: Watched, name: str, stat: Statistic, **options: Any) -> list[Any]:
    check_metric(name, [GROUP])
    return [NAMESPACE, name, GROUP, of.group, {"stat": str(stat), **options}]


def _search(of: Watched, name: str, free: str, stat: Statistic, label: str = "") -> list[Any]:
    """Return the entry for every metric of the group that has one dimension more."""
    check_metric(name, [GROUP, free])
    found = Search(NAMESPACE, name, (GROUP, free), {GROUP: of.group}, stat, of.period)
    return [{"expression": found.expression, "label": label or f"${{PROP('Dim.{free}')}}"}]


def _graph(
    of: Watched,
    title: str,
    metrics: list[list[Any]],
    *,
    limit: tuple[str, float, str] | None = None,
    axis: Mapping[str, float] | None = None,
) -> Widget:
    properties: dict[str, Any] = {
        "title": title,
        "view": "timeSeries",
        "region": of.region,
        "period": of.period,
        "metrics": metrics,
        "yAxis": {"left": {**(axis or {}), "showUnits": False}},
    }
    if limit is not None:
        label, value, fill = limit
        line = {"label": label, "value": value, "fill": fill, "color": _LIMIT}
        properties["annotations"] = {"horizontal": [line]}
    return {"type": "metric", "properties": properties}
