"""The alarm's Lambda: it sets the model package that the canary watches to Rejected, and tells people.

It is deployed as this one file, so it uses the standard library and boto3 only. Two events bring it here:

    CloudWatch Alarm State Change                 the composite alarm went into ALARM
    SageMaker ... Pipeline Execution Status       a canary run ended well; if the alarm still stands, it
      Change                                      may be about a model that was approved meanwhile

What it does rests on the registry and on its environment, never on names in the event. It touches one
package group, and its role lets it set no other status than Rejected. The watched package is the newest
Approved one. It is rejected only if the alarm can be about it, counted from its approval or from the
rejection of a newer one, whichever was later (before that, the canary ran on another model):

    the alarm changed to ALARM    M - 1 periods of the alarm: sooner there cannot be M points of this model
    the alarm still stands        N periods: by then every point that the alarm looks at is of this model

So an event that comes twice, late or out of order changes nothing: the rejection that answered it is
later than the alarm. What cannot be read is logged and dropped; only a failed call is worth a retry.

Environment: PACKAGE_GROUP, ALARM_NAME, CANARY_PIPELINE, TOPIC_ARN, ALARM_PERIOD_S,
ALARM_PERIODS (N), ALARM_DATAPOINTS (M).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

# Written to a package that leaves service; `reject` of the human role writes the same.
REJECTED_AT = "RejectedAt"
# Limits of UpdateModelPackage.
_DESCRIPTION_CHARACTERS, _PROPERTIES = 1024, 50


class Dropped(Exception):
    """An event that asks for nothing, or cannot be read."""


@dataclass(frozen=True)
class Alarm:
    """The composite alarm in ALARM: at what time, how long a package must have been watched, and why."""

    at: datetime
    watched: timedelta
    why: str


def handler(event: Any, context: Any) -> dict[str, str]:
    """Answer one event; returns what was done, and to which package."""
    try:
        alarm = _read(event)
        package = _watched(alarm)
    except Dropped as reason:
        return _log(outcome="nothing", why=str(reason))
    arn = package["ModelPackageArn"]
    # UpdateModelPackage takes one line.
    why = " ".join(f"Rejected by the alarm {os.environ['ALARM_NAME']}: {alarm.why}".split())
    _reject(package, why[:_DESCRIPTION_CHARACTERS], max(alarm.at, datetime.now(UTC)))
    _tell(arn, why)
    return _log(outcome="rejected", package=arn, why=why)


def _read(event: Any) -> Alarm:
    """Return the alarm that an event is about."""
    name, canary = os.environ["ALARM_NAME"], f":pipeline/{os.environ['CANARY_PIPELINE']}"
    match event:
        case {"source": "aws.cloudwatch", "detail": {"alarmName": str(said), "state": dict(state)}}:
            if said != name:
                raise Dropped("another alarm")
            return _alarm(state.get("value"), state, state.get("timestamp"), _number("ALARM_DATAPOINTS") - 1)
        case {
            "source": "aws.sagemaker",
            "time": time,
            "detail": {"currentPipelineExecutionStatus": "Succeeded", "pipelineArn": str(arn)},
        } if arn.endswith(canary):
            return _alarm(*_standing(name), time, _number("ALARM_PERIODS"))
    raise Dropped("not an event that this function knows")


def _alarm(value: Any, state: dict[str, Any], time: Any, periods: int) -> Alarm:
    if value != "ALARM":
        raise Dropped("the alarm is not in ALARM")
    if "Alarm" in (state.get("actionsSuppressedBy"), state.get("ActionsSuppressedBy")):
        raise Dropped("the alarm is suppressed: the canary does not run")
    why = f"in ALARM at {time}: {state.get('reason', state.get('StateReason', ''))}"
    return Alarm(_time(time), timedelta(seconds=periods * _number("ALARM_PERIOD_S")), why)


def _standing(name: str) -> tuple[Any, dict[str, Any]]:
    """Return the alarm's state as CloudWatch has it now."""
    answer = boto3.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    for state in answer["CompositeAlarms"]:
        return state["StateValue"], state
    raise Dropped("there is no such alarm")


def _watched(alarm: Alarm) -> dict[str, Any]:
    """Return the newest Approved package, if the alarm can be about it."""
    left = datetime.min.replace(tzinfo=UTC)
    for package in _packages():
        if package["ModelApprovalStatus"] == "Approved":
            approved = package.get("LastModifiedTime") or package["CreationTime"]
            if alarm.at <= max(left, approved) + alarm.watched:
                raise Dropped(f"the alarm cannot be about {package['ModelPackageArn']} yet, or is answered")
            return package
        left = max(left, _left(package))
    raise Dropped("no package is Approved")


def _packages() -> Iterator[dict[str, Any]]:
    """Yield the group's Approved and Rejected packages, the newest first."""
    client = boto3.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=os.environ["PACKAGE_GROUP"], SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for entry in page["ModelPackageSummaryList"]:
            if entry.get("ModelApprovalStatus") in {"Approved", "Rejected"}:
                yield client.describe_model_package(ModelPackageName=entry["ModelPackageArn"])


def _left(package: dict[str, Any]) -> datetime:
    """Return when a package left service; one that the gate rejected was never in it."""
    try:
        return _time(package.get("CustomerMetadataProperties", {}).get(REJECTED_AT))
    except Dropped:
        return datetime.min.replace(tzinfo=UTC)


def _reject(package: dict[str, Any], why: str, at: datetime) -> None:
    kept = package.get("CustomerMetadataProperties") or {}
    properties = {**kept, REJECTED_AT: at.isoformat()}
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=package["ModelPackageArn"],
        ModelApprovalStatus="Rejected",
        ApprovalDescription=why,
        # A package that is full of properties must not escape for that.
        CustomerMetadataProperties=properties if len(properties) <= _PROPERTIES else kept,
    )


def _tell(arn: str, why: str) -> None:
    subject = f"Boomerang: {arn.rpartition('model-package/')[2]} was rejected"
    text = f"{arn} is Rejected: no one should use it.\n\n{why}\n\nTo take it back, approve it again."
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject[:100], Message=text)


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Dropped(f"{value!r:.50} is no time") from None
    if time.tzinfo is None:
        raise Dropped(f"{value!r:.50} has no time zone")
    return time


def _number(name: str) -> int:
    return int(os.environ[name])


def _log(**fields: str) -> dict[str, str]:
    print(json.dumps(fields))
    return fields
