"""The dashboard's body: its metrics, its thresholds, its places; and every planted mistake is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.alarms import Where, read_alarms
from aws.alarms.alarm import Metric, Statistic
from aws.dashboard import Newest, Search, check_dashboard, dashboard_body, read_search, watched
from aws.dashboard.body import BILLING, PIPELINES, Body, plain
from aws.stack.intrinsics import stack
from boomerang.errors import BadInput
from boomerang.watching.metric_names import EXCHANGED, METRICS, NAMESPACE, check_metric

STACK = stack({"PackageGroup": "birds", "CanaryFloor": "0.8", "MaxDrop": "0.03", "MaxAsr": "0.2"})
ALARMS = read_alarms(STACK.resources)
WHERE = Where(account="111122223333", region="eu-central-1")
BODY = dashboard_body(watched(STACK, WHERE, Newest(7, "Approved", "2026-11-20 10:15", "looks *good*")))


def graph(body: Body, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(w for w in body["widgets"] if w["properties"].get("title") == title)
    return found


def metrics(body: Body) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return namespace, name and dimension names of all that the body draws."""
    found = []
    for widget in body["widgets"]:
        for entry in widget["properties"].get("metrics", ()):
            if len(entry) > 1:
                found.append((entry[0], entry[1], tuple(entry[2:-1:2])))
            elif "SEARCH" in entry[0]["expression"]:
                search = read_search(entry[0]["expression"])
                found.append((search.namespace, search.name, search.dimensions))
    return found


def test_the_body_has_no_mistake_and_is_json() -> None:
    assert check_dashboard(BODY, ALARMS) == []
    assert json.loads(json.dumps(BODY)) == BODY


def test_every_metric_of_the_schema_is_drawn_and_no_other() -> None:
    ours = [(name, dimensions) for space, name, dimensions in metrics(BODY) if space == NAMESPACE]
    for name, dimensions in ours:
        check_metric(name, dimensions)
    # An exchanged package is no line that is watched: its alarm tells people.
    assert {name for name, _ in ours} == set(METRICS) - {EXCHANGED}
    assert {space for space, _, _ in metrics(BODY)} == {NAMESPACE, PIPELINES, BILLING}


@pytest.mark.parametrize(
    ("title", "alarm", "threshold"),
    [
        ("Accuracy against the registered baseline", "AccuracyFloorAlarm", 0.8),
        ("Canary accuracy by version", "AccuracyFloorAlarm", 0.8),
        ("Accuracy lost against the registered baseline", "AccuracyDropAlarm", 0.03),
        ("Attack success rate by trigger", "AttackAlarm", 0.2),
    ],
)
def test_the_line_that_is_drawn_is_the_alarms_threshold(title: str, alarm: str, threshold: float) -> None:
    properties = graph(BODY, title)["properties"]
    (line,) = properties["annotations"]["horizontal"]
    assert line["value"] == float(STACK.resources[alarm]["Properties"]["Threshold"]) == threshold
    assert properties["period"] == int(STACK.resources[alarm]["Properties"]["Period"])


def test_every_alarm_of_the_template_is_shown_in_its_account() -> None:
    (widget,) = (w for w in BODY["widgets"] if w["type"] == "alarm")
    arns = widget["properties"]["alarms"]
    assert sorted(arns) == sorted(WHERE.arn(alarm.name) for alarm in ALARMS)
    assert arns[0].startswith("arn:aws:cloudwatch:eu-central-1:111122223333:alarm:boomerang-model-degraded-")


def test_the_newest_package_is_said_and_cannot_write_markdown() -> None:
    text = BODY["widgets"][0]["properties"]["markdown"]
    assert "**version 7**" in text
    assert r"looks \*good\*" in text
    assert plain("a\n# b") == r"a \# b"
    without = dashboard_body(watched(STACK))
    assert "No package is registered yet" in without["widgets"][0]["properties"]["markdown"]


def _set(title: str, key: str, value: Any) -> Callable[[Body], None]:
    return lambda body: graph(body, title)["properties"].__setitem__(key, value)


def _place(key: str, value: int) -> Callable[[Body], None]:
    return lambda body: body["widgets"][3].__setitem__(key, value)


def _entry(words: list[Any]) -> Callable[[Body], None]:
    return lambda body: graph(body, ROWS)["properties"].__setitem__("metrics", [words])


ROWS = "Rows flagged by the screen"
DROP = "Accuracy lost against the registered baseline"
PLANTED: list[tuple[str, Callable[[Body], None], str]] = [
    ("name", _entry(["Boomerang", "FlagedRows", "Group", "birds"]), "nobody publishes it"),
    ("dimension", _entry(["Boomerang", "FlaggedRows", "Group", "b", "Class", "0"]), "not published under"),
    ("no dimension", _entry(["Boomerang", "FlaggedRows"]), "not published under"),
    ("namespace", _entry(["AWS/SageMaker/ModelBuildingPipeline", "ExecutionDuration", "PipelineName", "b"]),
     "nobody publishes it"),
    ("odd words", _entry(["Boomerang", "FlaggedRows", "Group"]), "pairs of dimension"),
    ("short form", _entry(["Boomerang", ".", ".", "birds"]), "nobody publishes it"),
    ("search", _entry([{"expression": "SEARCH('{Boomerang,Group,Class} FlaggedRows', 'Sum', 60)"}]),
     "not in the form"),
    ("search of none", _entry([{"expression": "SEARCH('{Boomerang,Group,Class} MetricName=\"FlaggedRows\"', "
                               "'Sum', 60)"}]), "not published under"),
    ("unknown id", _entry([{"expression": "m1 + 1"}]), "no metric or earlier expression"),
    ("option", _entry(["Boomerang", "FlaggedRows", "Group", "birds", {"lable": "rows"}]), "does not know it"),
    ("no metrics", _set(ROWS, "metrics", []), "give 1 to 500"),
    ("key", _set(ROWS, "titel", "x"), "did you mean 'title'"),
    ("view", _set(ROWS, "view", "timeseries"), "did you mean 'timeSeries'"),
    ("period", _set(ROWS, "period", 90), "multiple of 60"),
    ("axis", _set(ROWS, "yAxis", {"left": {"min": 1, "max": 0}}), "where it begins"),
    ("threshold", _set(DROP, "annotations", {"horizontal": [{"value": 0.05}]}), "the alarms on it have 0.03"),
    ("too wide", _place("width", 20), "leave the 24 columns"),
    ("overlap", _place("x", 0), "overlap"),
    ("no height", _place("height", 0), "out of bounds"),
    ("no place", lambda body: body["widgets"][3].pop("x"), "whole numbers"),
    ("type", lambda body: body["widgets"][0].update(type="txt"), "did you mean 'text'"),
    ("empty text", lambda body: body["widgets"][0]["properties"].update(markdown=" "), "says nothing"),
    ("region", lambda body: graph(body, ROWS)["properties"].pop("region"), "missing"),
    ("alarm", lambda body: body["widgets"][1]["properties"].update(alarms=[WHERE.arn("boomerang-atack")]),
     "did you mean 'boomerang-attack'"),
    ("alarm's name", lambda body: body["widgets"][1]["properties"].update(alarms=["boomerang-attack"]),
     "no ARN"),
    ("top key", lambda body: body.update(refresh=5), "does not know it"),
    ("no widgets", lambda body: body.pop("widgets"), "no list"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "why"), [p[1:] for p in PLANTED], ids=[p[0] for p in PLANTED])
def test_a_planted_mistake_is_found(change: Callable[[Body], None], why: str) -> None:
    body = deepcopy(BODY)
    change(body)
    found = check_dashboard(body, ALARMS)
    assert len(found) == 1, found
    assert why in str(found[0])


def test_more_than_cloudwatch_takes_is_found() -> None:
    entry = ["Boomerang", "CanaryRan", "Group", "birds"]
    widget = graph(BODY, ROWS)
    place = {"x": 0, "width": 1, "height": 1}
    many = [
        {**deepcopy(widget), **place, "y": y}
        | {"properties": {**widget["properties"], "metrics": [entry] * 6}}
        for y in range(501)
    ]
    found = [str(finding) for finding in check_dashboard({"widgets": many})]
    assert found == [
        "dashboard: widgets: 501, CloudWatch takes 500",
        "dashboard: widgets: 3,006 metrics, CloudWatch takes 2,500",
    ]


WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)


@given(group=WORD, period=st.integers(1, 1440), divisor=st.integers(1, 99_999))
def test_a_search_is_read_as_it_was_written(group: str, period: int, divisor: int) -> None:
    search = Search(
        "Boomerang",
        "CanaryAccuracy",
        ("Group", "Class"),
        {"Group": group},
        Statistic.MINIMUM,
        period * 60,
        divisor,
    )
    assert read_search(search.expression) == search


def test_a_search_finds_exactly_its_metrics() -> None:
    search = Search(
        "Boomerang", "CanaryAccuracy", ("Group", "Class"), {"Group": "bird"}, Statistic.MINIMUM, 60
    )

    def metric(**dimensions: str) -> Metric:
        return Metric("Boomerang", "CanaryAccuracy", tuple(sorted(dimensions.items())))

    assert search.finds(metric(Group="bird", Class="0"))
    assert not search.finds(metric(Group="birds", Class="0"))
    assert not search.finds(metric(Group="bird"))
    assert not search.finds(metric(Group="bird", Version="0"))
    assert search.label(metric(Group="bird", Class="0")) == "0"


@pytest.mark.parametrize("text", ["", "SEARCH('x')", "SEARCH('{A,B} C=\"1\"', 'Sum', 60)", "AVG(m1)"])
def test_what_is_no_search_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="search expression"):
        read_search(text)
