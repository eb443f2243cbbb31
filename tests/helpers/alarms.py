"""Alarms of this project's shapes, to be played and to be broken."""

from __future__ import annotations

import copy
from typing import Any

GROUP = [{"Name": "Group", "Value": "boomerang"}]
DAY = 86_400


def watching(metric: str, statistic: str, comparison: str, threshold: float) -> dict[str, Any]:
    """Return an alarm on a metric of the group, 2 of 3 days, that leaves absence to another."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"boomerang-{metric}",
            "Namespace": "Boomerang",
            "MetricName": metric,
            "Dimensions": GROUP,
            "Statistic": statistic,
            "Period": DAY,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": threshold,
            "ComparisonOperator": comparison,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Topic"}],
        },
    }


def by_trigger(*triggers: str) -> dict[str, Any]:
    """Return the attack alarm as metric math: the worst of the triggers' own rates."""
    alarm = watching("AttackSuccessRate", "Maximum", "GreaterThanThreshold", 0.1)
    for key in ("Namespace", "MetricName", "Dimensions", "Statistic", "Period"):
        del alarm["Properties"][key]
    alarm["Properties"]["Metrics"] = [
        {"Id": "worst", "Expression": "MAX(METRICS())", "Label": "worst trigger", "ReturnData": True},
        *(
            {
                "Id": f"t{i}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "Boomerang",
                        "MetricName": "AttackSuccessRate",
                        "Dimensions": [*GROUP, {"Name": "Trigger", "Value": trigger}],
                    },
                    "Period": DAY,
                    "Stat": "Maximum",
                },
                "ReturnData": False,
            }
            for i, trigger in enumerate(triggers)
        ),
    ]
    return alarm


def canary_missing(
    period_s: int = DAY + 2 * 3600, periods: int = 1, *, filled: bool = True
) -> dict[str, Any]:
    """Return the alarm on a canary that did not run: no run within a day and two hours."""
    ran = {"Namespace": "Boomerang", "MetricName": "CanaryRan", "Dimensions": GROUP}
    shape: dict[str, Any] = {
        "AlarmName": "boomerang-canary-missing",
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": periods,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }
    if filled:
        stat = {"Metric": ran, "Period": period_s, "Stat": "Maximum"}
        shape["Metrics"] = [
            {"Id": "ran", "MetricStat": stat, "ReturnData": False},
            {"Id": "there", "Expression": "FILL(ran, 0)", "ReturnData": True},
        ]
    else:
        shape |= {**ran, "Statistic": "Maximum", "Period": period_s}
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": shape}


DEGRADED = (
    'ALARM("boomerang-CanaryAccuracy") OR ALARM("boomerang-AccuracyDrop") '
    'OR ALARM("boomerang-AttackSuccessRate")'
)

RESOURCES: dict[str, Any] = {
    "Topic": {"Type": "AWS::SNS::Topic"},
    "AccuracyFloorAlarm": watching("CanaryAccuracy", "Minimum", "LessThanThreshold", 0.9),
    "AccuracyDropAlarm": watching("AccuracyDrop", "Maximum", "GreaterThanThreshold", 0.05),
    "AttackAlarm": watching("AttackSuccessRate", "Maximum", "GreaterThanThreshold", 0.1),
    "CanaryMissingAlarm": canary_missing(),
    "ModelDegradedComposite": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmName": "boomerang-degraded",
            "AlarmDescription": "group boomerang",
            "AlarmRule": DEGRADED,
            "ActionsSuppressor": "boomerang-canary-missing",
            "ActionsSuppressorWaitPeriod": 60,
            "ActionsSuppressorExtensionPeriod": 60,
        },
    },
}


def changed(logical_id: str, **properties: Any) -> dict[str, Any]:
    """Return the resources with properties of one of them replaced; None takes one away."""
    resources = copy.deepcopy(RESOURCES)
    of = resources[logical_id]["Properties"]
    of.update(properties)
    for key in [key for key, value in of.items() if value is None]:
        del of[key]
    return resources
