"""The alarms of a template: this project's shapes have no finding, and each mistake has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.alarms import DAY, RESOURCES, by_trigger, canary_missing, changed, watching

from aws.alarms import Alarm, CompositeAlarm, check_alarms, read_alarms
from aws.alarms.alarm import read_alarm
from boomerang.errors import BadInput


def test_this_project_s_alarms_have_no_finding() -> None:
    assert check_alarms(RESOURCES) == []
    assert check_alarms({**RESOURCES, "AttackAlarm": by_trigger("patch", "corner")}) == []


def test_every_alarm_of_the_template_is_read() -> None:
    alarms = read_alarms(RESOURCES)
    assert [type(alarm) for alarm in alarms] == [Alarm] * 4 + [CompositeAlarm]


def test_a_parameter_may_come_as_a_text() -> None:
    """CloudFormation hands every parameter over as a text."""
    texts = changed("AccuracyFloorAlarm", Threshold="0.9", Period="86400", EvaluationPeriods="3")
    assert read_alarms(texts) == read_alarms(RESOURCES)


FLOOR, DROP, BOTH = "AccuracyFloorAlarm", "AccuracyDropAlarm", "ModelDegradedComposite"


@pytest.mark.parametrize(
    ("resources", "field", "says"),
    [
        (changed(FLOOR, EvaluationPeriods=8), "EvaluationPeriods", "691200 s"),
        (changed(FLOOR, Period=1800, EvaluationPeriods=49), "EvaluationPeriods", "under an hour"),
        (changed(FLOOR, Period=90), "Period", "multiple of 60"),
        (changed(FLOOR, Period=10), "Period", "multiple of 60"),
        (changed(FLOOR, DatapointsToAlarm=4), "DatapointsToAlarm", "4 of 3"),
        (changed(FLOOR, TreatMissingData=None), "TreatMissingData", "default"),
        (changed(FLOOR, TreatMissingData="missing"), "TreatMissingData", "one bad point"),
        (changed(FLOOR, TreatMissingData="breaching"), "TreatMissingData", "one bad point"),
        (changed(FLOOR, MetricName="CanaryAcuracy"), "MetricName", "did you mean"),
        (changed(FLOOR, Namespace="boomerang"), "Namespace", "known: Boomerang"),
        (changed(FLOOR, Dimensions=[]), "MetricName", "not published under {}"),
        (changed(FLOOR, Threshold=90), "Threshold", "every value from 0 to 1"),
        (changed(FLOOR, Threshold=0), "Threshold", "no value from 0 to 1"),
        (changed(DROP, Threshold=1), "Threshold", "no value from -1 to 1"),
        (changed(FLOOR, AlarmName="x" * 256), "AlarmName", "255"),
        (changed(FLOOR, ExtendedStatistic="p90"), "template", "ExtendedStatistic"),
        (changed(FLOOR, EvaluationWindow={}), "template", "EvaluationWindow"),
        (changed(FLOOR, ComparisonOperator="LessThan"), "template", "LessThanThreshold"),
        (changed(FLOOR, TreatMissingData="notbreaching"), "template", "'notBreaching'"),
        (changed(FLOOR, Threshold={"Ref": "CanaryFloor"}), "template", "parameters resolved"),
        (changed(FLOOR, EvaluationPeriods=0), "template", "at least 1"),
        (changed(FLOOR, EvaluationPeriods=2.5), "template", "whole number"),
        (changed(FLOOR, Statistic="p99"), "template", "p99"),
        (changed(BOTH, AlarmRule="ALARM(boomerang-CanaryAcuracy)"), "AlarmRule", "did you mean"),
        (changed(BOTH, AlarmRule="ALARM(boomerang-degraded)"), "AlarmRule", "wait for one"),
        (changed(BOTH, AlarmRule="ALARM(a) AND"), "template", "alarm rule"),
        (changed(BOTH, AlarmRule=" OR ".join(["TRUE"] * 501)), "AlarmRule", "500"),
        (
            changed(
                BOTH,
                ActionsSuppressor="boomerang-canary",
                ActionsSuppressorWaitPeriod=60,
                ActionsSuppressorExtensionPeriod=60,
            ),
            "AlarmRule",
            "no alarm 'boomerang-canary'",
        ),
        (changed(DROP, AlarmName="boomerang-AttackSuccessRate"), "AlarmRule", "'boomerang-AccuracyDrop'"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_by_name(resources: dict[str, Any], field: str, says: str) -> None:
    findings = check_alarms(resources)
    assert any(finding.field == field and says in finding.what for finding in findings), findings


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param(changed(FLOOR, EvaluationPeriods=7), id="seven days of one day"),
        pytest.param(changed(FLOOR, Period=3600, EvaluationPeriods=168), id="seven days of an hour"),
        pytest.param(changed(FLOOR, Period=60, EvaluationPeriods=1440), id="one day of a minute"),
        pytest.param({"Missing": canary_missing(DAY, 2, filled=False)}, id="absence may breach"),
        pytest.param({"Runs": watching("CanaryRan", "Sum", "LessThanThreshold", 20)}, id="a sum of runs"),
    ],
)
def test_what_is_just_allowed_has_no_finding(resources: dict[str, Any]) -> None:
    assert check_alarms(resources) == []


def test_two_alarms_of_one_name_are_found() -> None:
    resources = {**RESOURCES, "Twin": RESOURCES["AccuracyFloorAlarm"]}
    assert ["one name" in str(finding) for finding in check_alarms(resources)] == [True]


def metrics(change: Callable[[list[dict[str, Any]]], object]) -> dict[str, Any]:
    alarm = by_trigger("patch", "corner")
    change(alarm["Properties"]["Metrics"])
    return {"AttackAlarm": alarm}


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        (metrics(lambda m: m[0].update(Expression="AVG(METRICS())")), "'AVG'"),
        (metrics(lambda m: m[0].update(Expression="MAX([t0, t2])")), "'t2'"),
        (metrics(lambda m: m[0].update(ReturnData=False)), "0 entries return data"),
        (metrics(lambda m: m[1].update(ReturnData=True)), "2 entries return data"),
        (metrics(lambda m: m[1]["MetricStat"].update(Period=60)), "their periods are [60, 86400]"),
        (metrics(lambda m: m[1]["MetricStat"].update(Stat="p50")), "p50"),
        (metrics(lambda m: m[1].update(Id="T0")), "the id 'T0'"),
        (metrics(lambda m: m[1].update(AccountId="1")), "AccountId"),
        ({"AttackAlarm": by_trigger(*map(str, range(11)))}, "it has 11 metrics"),
    ],
)
def test_a_mistake_in_metric_math_is_found(resources: dict[str, Any], says: str) -> None:
    assert any(says in str(finding) for finding in check_alarms(resources)), check_alarms(resources)


def test_a_metric_of_aws_is_left_to_aws() -> None:
    alarm = watching("Errors", "Sum", "GreaterThanThreshold", 0)
    alarm["Properties"] |= {"Namespace": "AWS/Lambda", "TreatMissingData": "notBreaching", "Dimensions": []}
    assert check_alarms({"LambdaErrors": alarm}) == []


def test_an_alarm_without_datapoints_asks_for_all_of_them() -> None:
    properties = {**RESOURCES["AccuracyFloorAlarm"]["Properties"]}
    del properties["DatapointsToAlarm"]
    assert read_alarm("Floor", {"Properties": properties}).datapoints == 3


def test_an_unreadable_alarm_names_itself_the_property_and_the_remedy() -> None:
    with pytest.raises(BadInput) as caught:
        read_alarm("Floor", {"Properties": {"Namespce": "Boomerang"}})
    assert str(caught.value) == (
        "alarm 'Floor': Namespce: the evaluator does not understand it\n  did you mean 'Namespace'?"
    )
