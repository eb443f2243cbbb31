"""The Lambda that takes a model package out of service: one that is degraded, or that was exchanged.

It is deployed as this one file, so it uses the standard library and boto3 only. Three events bring it here:

    CloudWatch Alarm State Change                 the composite alarm went into ALARM
    SageMaker ... Pipeline Execution Status       a canary run ended well; if the alarm still stands, it
      Change                                      may be about a model that was approved meanwhile
    SageMaker Model Package State Change          a package was registered, approved or rejected

What it does rests on the registry and on its environment, never on names in the event. It touches one
package group, and its role lets it set no other status than Rejected.

**Degraded.** The watched package is the newest Approved one. It is rejected only if the alarm can be about
it, counted from its approval or from the rejection of a newer one, whichever was later (before that, the
canary ran on another model):

    the alarm changed to ALARM    M - 1 periods of the alarm: sooner there cannot be M points of this model
    the alarm still stands        N periods: by then every point that the alarm looks at is of this model

So an event that comes twice, late or out of order changes nothing: the rejection that answered it is
later than the alarm. No time is taken from the future, be it an event's or a package's: it would hide older
packages. What cannot be read is logged and dropped; only a failed call is worth a retry.

**Exchanged.** UpdateModelPackage, by which a person approves, can exchange the model's address and the
digests in the same call, and IAM has no word for that. So what a package says is written down when it is
registered, where the bucket's policy lets this function alone write, and each object once; and it is held
against that whenever its status changes, and after each canary. One that says something else, or of which
nothing was written down, is rejected, and an alarm of its own is raised (`PackageExchanged`, by a line in the
log).

Environment: PACKAGE_GROUP, ALARM_NAME, CANARY_PIPELINE, TOPIC_ARN, ALARM_PERIOD_S,
ALARM_PERIODS (N), ALARM_DATAPOINTS (M), DATA_BUCKET, RECORDS (the prefix of what was written down).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

# Written to a package that leaves service; `reject` of the human role writes the same.
REJECTED_AT = "RejectedAt"
# Counted where a package is found exchanged; see `boomerang.watching.metric_names`.
EXCHANGED = "PackageExchanged"
# Limits of UpdateModelPackage.
_DESCRIPTION_CHARACTERS, _PROPERTIES = 1024, 50
# How far two clocks may be apart; and how soon after its registration a package counts as it was registered.
_APART, _FRESH = timedelta(minutes=5), timedelta(minutes=1)
# What a package can be given anew, or is served from. SageMaker fills in the rest of a container by itself.
_SAID = ("AdditionalInferenceSpecifications", "DriftCheckBaselines", "ModelMetrics", "SourceUri")
_FILLED_IN = ("ImageDigest", "ModelDataETag")


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
        package = _asked_about(event)
        if package and (why := _exchanged(package)):
            return _take_out(package, why, "exchanged")
        if _changed(event):
            raise Dropped("the package says what it said when it was registered")
        alarm = _read(event)
        package = _watched(alarm)
    except Dropped as reason:
        return _log(outcome="nothing", why=str(reason))
    return _take_out(package, f"the alarm {os.environ['ALARM_NAME']}: {alarm.why}", "rejected", alarm.at)


def _take_out(package: dict[str, Any], why: str, outcome: str, at: datetime | None = None) -> dict[str, str]:
    """Reject a package for a reason, tell people, and log it."""
    arn, now = package["ModelPackageArn"], datetime.now(UTC)
    why = " ".join(f"Rejected by {why}".split())  # UpdateModelPackage takes one line
    _reject(package, why[:_DESCRIPTION_CHARACTERS], max(at or now, now))
    if outcome == "exchanged":
        _count_exchanged()
    _tell(
        arn,
        why,
        "Register the model again." if outcome == "exchanged" else "To take it back, approve it again.",
    )
    return _log(outcome=outcome, package=arn, why=why)


# ---- Exchanged


def _changed(event: Any) -> str:
    """Return the ARN of the group's package that an event says has changed, or empty."""
    match event:
        case {"source": "aws.sagemaker", "detail": {"ModelPackageArn": str(arn)}}:
            group, _, version = arn.partition(":model-package/")[2].partition("/")
            return arn if group == os.environ["PACKAGE_GROUP"] and version.isdecimal() else ""
    return ""


def _asked_about(event: Any) -> dict[str, Any] | None:
    """Return the package that is to be held: the one that changed; after a canary, the one in service."""
    if arn := _changed(event):
        return _described(arn)
    if _canary_ended(event):
        return next((each for each in _packages() if each["ModelApprovalStatus"] == "Approved"), None)
    return None


def _described(arn: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = boto3.client("sagemaker").describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            raise Dropped(f"{arn} is no more") from None
        raise
    return found


def _exchanged(package: dict[str, Any]) -> str:
    """Return why a package is not what was registered, or empty; one that is new is written down.

    One that is Rejected does no harm, so it is left as it is.
    """
    said, status = _said(package), package.get("ModelApprovalStatus")
    known = _record(package)
    if known is None and _is_fresh(package):
        _write_down(package, said)
        return ""
    if status == "Rejected":
        return ""
    if known is None:
        what = "nothing was written down when it was registered"
        return f"the registry's guard: {what}" if status == "Approved" else ""
    other = sorted(key for key in known.keys() | said.keys() if known.get(key) != said.get(key))
    return f"the registry's guard: {', '.join(other)} not as it was registered" if other else ""


def _said(package: dict[str, Any]) -> dict[str, str]:
    """Return what a package says, each part as JSON by its name."""
    properties = package.get("CustomerMetadataProperties") or {}
    parts = {key: value for key, value in properties.items() if key != REJECTED_AT}
    parts |= {key: package[key] for key in _SAID if package.get(key)}
    for number, container in enumerate((package.get("InferenceSpecification") or {}).get("Containers") or ()):
        own = {key: value for key, value in container.items() if key not in _FILLED_IN}
        parts |= {f"Containers[{number}].{key}": value for key, value in own.items()}
    return {key: json.dumps(value, sort_keys=True, default=str) for key, value in parts.items()}


def _is_fresh(package: dict[str, Any]) -> bool:
    """Whether nobody has decided on a package, nor changed it since it was registered."""
    if package.get("ModelApprovalStatus") == "Approved" or package.get("ApprovalDescription"):
        return False
    made = package["CreationTime"]
    return bool((package.get("LastModifiedTime") or made) - made <= _FRESH)


def _place(package: dict[str, Any]) -> dict[str, str]:
    version = package["ModelPackageArn"].rpartition("/")[2]
    return {"Bucket": os.environ["DATA_BUCKET"], "Key": f"{os.environ['RECORDS']}/{version}.json"}


def _record(package: dict[str, Any]) -> dict[str, str] | None:
    """Return what was written down of a package, or None."""
    try:
        answer = boto3.client("s3").get_object(**_place(package))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    content: dict[str, str] = json.loads(answer["Body"].read())
    return content


def _write_down(package: dict[str, Any], said: dict[str, str]) -> None:
    text = json.dumps(said, indent=1, sort_keys=True).encode()
    boto3.client("s3").put_object(**_place(package), Body=text, IfNoneMatch="*")


def _count_exchanged() -> None:
    """Raise the alarm: CloudWatch makes a metric of such a line of a function's log.

    Source: CloudWatch User Guide, "Specification: Embedded metric format".
    """
    metric = {"Name": EXCHANGED, "Unit": "Count"}
    about = {"Namespace": "Boomerang", "Dimensions": [["Group"]], "Metrics": [metric]}
    root = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [about]}
    print(json.dumps({"_aws": root, "Group": os.environ["PACKAGE_GROUP"], EXCHANGED: 1}))


# ---- Degraded


def _canary_ended(event: Any) -> bool:
    """Whether an event says that a canary run has ended well."""
    match event:
        case {
            "source": "aws.sagemaker",
            "detail": {"currentPipelineExecutionStatus": "Succeeded", "pipelineArn": str(arn)},
        }:
            return arn.endswith(f":pipeline/{os.environ['CANARY_PIPELINE']}")
    return False


def _read(event: Any) -> Alarm:
    """Return the alarm that an event is about."""
    name = os.environ["ALARM_NAME"]
    match event:
        case {"source": "aws.cloudwatch", "detail": {"alarmName": str(said), "state": dict(state)}}:
            if said != name:
                raise Dropped("another alarm")
            return _alarm(state.get("value"), state, state.get("timestamp"), _number("ALARM_DATAPOINTS") - 1)
        case {"time": moment} if _canary_ended(event):
            return _alarm(*_standing(name), moment, _number("ALARM_PERIODS"))
    raise Dropped("not an event that this function knows")


def _alarm(value: Any, state: dict[str, Any], moment: Any, periods: int) -> Alarm:
    if value != "ALARM":
        raise Dropped("the alarm is not in ALARM")
    if "Alarm" in (state.get("actionsSuppressedBy"), state.get("ActionsSuppressedBy")):
        raise Dropped("the alarm is suppressed: the canary does not run")
    at = _time(moment)
    if at > datetime.now(UTC) + _APART:
        raise Dropped(f"{moment!r:.50} is in the future")
    why = f"in ALARM at {moment}: {state.get('reason', state.get('StateReason', ''))}"
    return Alarm(at, timedelta(seconds=periods * _number("ALARM_PERIOD_S")), why)


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
    """Return when a package left service; one that the gate rejected was never in it.

    Who may approve may write any time there, so none counts that is later than the registry's own.
    """
    try:
        said = _time((package.get("CustomerMetadataProperties") or {}).get(REJECTED_AT))
    except Dropped:
        return datetime.min.replace(tzinfo=UTC)
    changed: datetime = package.get("LastModifiedTime") or package["CreationTime"]
    return said if said <= changed + _APART else changed


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


def _tell(arn: str, why: str, then: str) -> None:
    subject = f"Boomerang: {arn.rpartition('model-package/')[2]} was rejected"
    text = f"{arn} is Rejected: no one should use it.\n\n{why}\n\n{then}"
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject[:100], Message=text)


def _time(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Dropped(f"{value!r:.50} is no time") from None
    if found.tzinfo is None:
        raise Dropped(f"{value!r:.50} has no time zone")
    return found


def _number(name: str) -> int:
    return int(os.environ[name])


def _log(**fields: str) -> dict[str, str]:
    print(json.dumps(fields))
    return fields
