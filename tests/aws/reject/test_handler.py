"""The alarm's Lambda under moto: which package it rejects, when it does nothing, what its role allows.

moto has no composite alarms and no past: the composite alarm's state and the age of a package are set in
moto's own records (`World.raise_alarm`, `World.age`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from helpers.reject_world import (
    BUCKET,
    DAY,
    GROUP,
    MODEL,
    OTHER,
    REGION,
    WATCHED,
    World,
    alarm_event,
    canary_event,
    package_event,
    serving,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from aws.alarms import MetricHistory, play_all, read_alarms
from aws.reject.handler import REJECTED_AT, handler
from aws.stack.intrinsics import Stack, stack
from aws.stack.policy import SERVICE_NEEDS, allows, recording, refused, statements, unused
from boomerang.watching.metric_names import NAMESPACE, check_metric, published


@pytest.fixture(scope="module")
def whole() -> Stack:
    """The stack with all that it can have."""
    keys = ("DefinitionS3Key", "CanaryDefinitionS3Key", "RejectCodeS3Key")
    return stack(dict.fromkeys(keys, "some/key"))


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """One for all tests: what costs time is reading the services' descriptions."""
    return boto3.Session(region_name=REGION)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, whole: Stack, session: boto3.Session) -> Iterator[World]:
    """The function's world; its environment is the one that the template gives it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        topic = session.client("sns").create_topic(Name="boomerang-alerts")["TopicArn"]
        queue = session.client("sqs").create_queue(QueueName="people")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:people"
        session.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        for group in (GROUP, OTHER):
            session.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
        variables = whole.resources["RejectFunction"]["Properties"]["Environment"]["Variables"]
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("TOPIC_ARN", topic)
        monkeypatch.setenv("DATA_BUCKET", BUCKET)
        session.client("s3").create_bucket(Bucket=BUCKET)
        yield World(session, topic, queue, variables["ALARM_NAME"])


def test_it_rejects_the_newest_approved_package_of_its_group_and_nothing_else(world: World) -> None:
    older, newest = world.approved(), world.approved()
    pending, gated = world.register(), world.register("Rejected")
    elsewhere = world.approved(OTHER)
    assert handler(alarm_event(), None)["package"] == newest
    assert world.statuses(older, newest, pending, gated, elsewhere) == [
        *("Approved", "Rejected", "PendingManualApproval", "Rejected", "Approved")
    ]


def test_a_rejected_package_says_why_and_keeps_what_it_said_before(world: World) -> None:
    arn = world.approved()
    handler(alarm_event(), None)
    package = world.describe(arn)
    assert package["CustomerMetadataProperties"].items() >= WATCHED.items()
    assert REJECTED_AT in package["CustomerMetadataProperties"]
    assert package["ApprovalDescription"].startswith(
        "Rejected by the alarm boomerang-model-degraded-boomerang"
    )
    assert "boomerang-attack transitioned to ALARM" in package["ApprovalDescription"]
    assert "\n" not in package["ApprovalDescription"]


def test_a_long_reason_and_a_full_set_of_properties_do_not_save_a_package(world: World) -> None:
    arn = world.register(**{f"key{number}": "x" for number in range(48)})
    world.session.client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties=world.describe(arn)["CustomerMetadataProperties"],
    )
    world.age(arn, 30)
    handler(alarm_event(reason="why " * 2000), None)
    package = world.describe(arn)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert (len(package["ApprovalDescription"]), len(package["CustomerMetadataProperties"])) == (1024, 50)


def test_people_are_told_once(world: World) -> None:
    world.approved()
    handler(alarm_event(), None)
    (message,) = world.messages()
    assert message["Subject"] == "Boomerang: boomerang/1 was rejected"
    assert "boomerang-attack transitioned to ALARM" in message["Message"]
    assert "approve it again" in message["Message"]
    handler(alarm_event(datetime.now(UTC) - timedelta(seconds=1)), None)
    assert world.messages() == []


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_event_again_does_not_reach_the_package_before(world: World, times: int) -> None:
    older, newest = world.approved(), world.approved()
    event = alarm_event()
    outcomes = [handler(copy.deepcopy(event), None)["outcome"] for _ in range(times)]
    assert outcomes == ["rejected", *["nothing"] * (times - 1)]
    assert world.statuses(older, newest) == ["Approved", "Rejected"]


def test_an_event_that_was_overtaken_changes_nothing(world: World) -> None:
    older, newest = world.approved(), world.approved()
    late = alarm_event(datetime.now(UTC) - timedelta(hours=1))
    handler(alarm_event(), None)
    assert handler(late, None)["outcome"] == "nothing"
    assert world.statuses(older, newest) == ["Approved", "Rejected"]


@pytest.mark.parametrize(
    ("days_ago", "status"),
    [(-1, "Approved"), (0, "Approved"), (0.9, "Approved"), (1.1, "Rejected"), (30, "Rejected")],
)
def test_an_alarm_needs_as_many_periods_as_points_after_the_approval(
    world: World, days_ago: float, status: str
) -> None:
    arn = world.approved(days_ago=days_ago)
    handler(alarm_event(), None)
    assert world.statuses(arn) == [status]


@pytest.mark.parametrize(
    ("state", "days_ago", "status"),
    [("ALARM", 2.9, "Approved"), ("ALARM", 3.1, "Rejected"), ("OK", 30, "Approved")],
)
def test_an_alarm_that_still_stands_after_a_canary_rejects_what_it_is_wholly_about(
    world: World, state: str, days_ago: float, status: str
) -> None:
    arn = world.approved(days_ago=days_ago)
    world.raise_alarm(state)
    handler(canary_event(), None)
    assert world.statuses(arn) == [status]


def test_a_package_is_watched_only_since_the_newer_one_left(world: World) -> None:
    older, newest = world.approved(), world.approved()
    world.raise_alarm()
    handler(alarm_event(), None)
    world.left(newest, days_ago=2.9)
    assert handler(canary_event(), None)["outcome"] == "nothing"
    world.left(newest, days_ago=3.1)
    assert handler(canary_event(), None)["package"] == older
    assert world.statuses(older, newest) == ["Rejected", "Rejected"]


@pytest.mark.parametrize(
    "event",
    [
        alarm_event(timestamp="9999-12-31T23:59:59+00:00"),
        alarm_event(datetime.now(UTC) + timedelta(hours=1)),
        canary_event(datetime.now(UTC) + 30 * DAY),
    ],
    ids=["the end of time", "an hour", "a month"],
)
def test_an_event_from_the_future_rejects_nothing_and_shields_nothing(world: World, event: Any) -> None:
    older, newest = world.approved(), world.approved(days_ago=0.1)  # of which no alarm can be about yet
    world.raise_alarm()
    assert "is in the future" in handler(event, None)["why"]
    assert world.statuses(older, newest) == ["Approved", "Approved"]
    world.age(newest, 30)
    assert handler(alarm_event(), None)["package"] == newest
    world.left(newest, days_ago=10)
    assert handler(alarm_event(), None)["package"] == older


def test_a_package_that_says_it_left_in_the_future_shields_no_older_one(world: World) -> None:
    older, newest = world.approved(), world.approved()
    world.left(newest, days_ago=-365_000)
    world.age(newest, 5)
    assert handler(alarm_event(), None)["package"] == older


# ---- A package that is not what was registered

EXCHANGED: dict[str, dict[str, Any]] = {
    "Containers[0].ModelDataUrl": {"inference_specification": serving(MODEL.replace("abc", "def"))},
    "Containers[0].Image": {"inference_specification": serving(MODEL) | {"Containers": [{"Image": "other"}]}},
    "Containers[0].Environment": {"inference_specification": serving(MODEL, Environment={"A": "b"})},
    "ModelDigest": {"customer_metadata_properties": WATCHED | {"ModelDigest": "sha256:cd"}},
    "Campaign": {"customer_metadata_properties": {"ModelDigest": WATCHED["ModelDigest"]}},
    "Extra": {"customer_metadata_properties": WATCHED | {"Extra": "1"}},
}


@pytest.mark.parametrize("part", EXCHANGED)
@pytest.mark.parametrize("brought", ["approved", "after a canary", "still pending"])
def test_a_package_that_was_exchanged_is_rejected_and_people_are_told(
    world: World, capsys: pytest.CaptureFixture[str], part: str, brought: str
) -> None:
    arn = world.register() if brought == "still pending" else world.approved()
    handler(package_event(arn), None)
    world.exchange(arn, **EXCHANGED[part])
    capsys.readouterr()
    done = handler(canary_event() if brought == "after a canary" else package_event(arn), None)
    assert (done["outcome"], done["package"]) == ("exchanged", arn)
    assert part in done["why"]
    package = world.describe(arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Rejected", done["why"])
    (message,) = world.messages()
    assert "Register the model again" in message["Message"] and "approve it again" not in message["Message"]
    metric, _ = map(json.loads, capsys.readouterr().out.splitlines())
    (told,) = metric["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == (NAMESPACE, [["Group"]])
    assert (metric["Group"], metric[told["Metrics"][0]["Name"]]) == (GROUP, 1)
    assert check_metric(told["Metrics"][0]["Name"], ["Group"]).unit == told["Metrics"][0]["Unit"]
    # Its own rejection is an event too.
    assert handler(package_event(arn, "Rejected"), None)["outcome"] == "nothing"
    assert world.messages() == []


def test_one_that_is_approved_again_is_rejected_again(world: World) -> None:
    arn = world.approved()
    world.exchange(arn, **EXCHANGED["ModelDigest"])
    for _ in range(2):
        world.exchange(arn, model_approval_status="Approved")
        assert handler(package_event(arn, "Approved"), None)["outcome"] == "exchanged"


def test_what_a_person_and_the_function_write_is_no_exchange(world: World) -> None:
    arn = world.register()
    for status in ("Approved", "Rejected", "Approved"):
        said = world.describe(arn)["CustomerMetadataProperties"] | {
            REJECTED_AT: datetime.now(UTC).isoformat()
        }
        world.session.client("sagemaker").update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            ApprovalDescription=f"{status} by somebody",
            CustomerMetadataProperties=said,
        )
        assert handler(package_event(arn, status), None)["outcome"] == "nothing"
    assert world.statuses(arn) == ["Approved"]


def test_what_was_registered_is_written_down_once(world: World) -> None:
    arn, gated = world.register(), world.register("Rejected")
    assert world.records() == [f"boomerang/registered/{GROUP}/{number}.json" for number in (1, 2)]
    before = world.session.client("s3").get_object(Bucket=BUCKET, Key=world.records()[0])["Body"].read()
    world.exchange(arn, **EXCHANGED["ModelDigest"])
    handler(package_event(arn), None)
    assert (
        world.session.client("s3").get_object(Bucket=BUCKET, Key=world.records()[0])["Body"].read() == before
    )
    assert world.statuses(arn, gated) == ["Rejected", "Rejected"]


def test_one_that_was_never_written_down_is_not_served(world: World) -> None:
    arn = world.register_unheard()
    world.session.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", CustomerMetadataProperties=WATCHED
    )
    done = handler(package_event(arn, "Approved"), None)
    assert done["outcome"] == "exchanged" and "nothing was written down" in done["why"]
    # Nor does it become what was registered by the event of its rejection.
    assert handler(package_event(arn, "Rejected"), None)["outcome"] == "nothing"
    assert world.records() == []


def test_one_that_was_changed_before_it_was_written_down_never_is(world: World) -> None:
    arn = world.register_unheard()
    world.age(arn, -0.01)
    assert handler(package_event(arn), None)["outcome"] == "nothing"
    assert world.records() == [] and world.statuses(arn) == ["PendingManualApproval"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sagemaker:us-east-1:123456789012:model-package/another/1",
        "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang",
        "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang/1/2",
        "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang/77",
        "boomerang/1",
        "",
    ],
)
def test_an_event_about_no_package_of_the_group_asks_for_nothing(world: World, arn: str) -> None:
    ours = world.approved()
    world.approved(OTHER)
    event = package_event(arn)
    assert handler(event, None)["outcome"] == "nothing"
    assert world.statuses(ours) == ["Approved"]


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an event matches a rule of the template, which name values and nothing finer."""
    return all(
        matches(wanted, event.get(key, {})) if isinstance(wanted, dict) else event.get(key) in wanted
        for key, wanted in pattern.items()
    )


def test_a_rule_brings_each_event_to_the_function(whole: Stack) -> None:
    rules = {
        name: entry["Properties"]["EventPattern"]
        for name, entry in whole.resources.items()
        if entry["Type"] == "AWS::Events::Rule"
    }

    def brought(event: dict[str, Any]) -> list[str]:
        return [name for name, pattern in rules.items() if matches(pattern, event)]

    main = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/boomerang"
    failed = {"currentPipelineExecutionStatus": "Failed"}
    assert brought(alarm_event()) == ["ModelDegradedRule"]
    assert brought(canary_event()) == ["CanarySucceededRule"]
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package"
    assert brought(package_event(f"{package}/{GROUP}/1")) == ["PackageChangedRule"]
    assert brought(package_event(f"{package}/{OTHER}/1")) == []
    assert brought(canary_event(**failed)) == ["PipelineFailedRule"]
    assert brought(canary_event(**failed, pipelineArn=main)) == ["PipelineFailedRule"]
    assert brought(alarm_event(value="OK")) == brought(alarm_event(name="another")) == []
    assert brought(canary_event(pipelineArn=main)) == brought(canary_event(pipelineArn=f"{main}-2")) == []


@pytest.mark.parametrize(("bad_days", "status"), [(1, "Approved"), (2, "Rejected")])
def test_the_templates_alarms_played_reject_after_two_bad_days(
    world: World, whole: Stack, bad_days: int, status: str
) -> None:
    arn, now = world.approved(), datetime.now(UTC)
    values = [0.95] * (6 - bad_days) + [0.2] * bad_days
    history = MetricHistory(
        datum
        for ago, accuracy in zip(range(6, 0, -1), values, strict=True)
        for name, value in (("CanaryAccuracy", accuracy), ("CanaryRan", 1.0))
        for datum in published(name, value, now - (ago - 0.5) * DAY, group=GROUP, version="1")
    )
    for change in play_all(read_alarms(whole.resources), history, now - 6 * DAY, now).changes:
        event = change.event()
        if matches(whole.resources["ModelDegradedRule"]["Properties"]["EventPattern"], event):
            handler(event, None)
    assert world.statuses(arn) == [status]


def test_without_an_approved_package_there_is_nothing_to_do(world: World) -> None:
    world.register()
    assert handler(alarm_event(), None) == {"outcome": "nothing", "why": "no package is Approved"}


def test_a_package_that_was_approved_again_is_not_rejected_by_the_old_alarm(world: World) -> None:
    arn = world.approved()
    event = alarm_event(datetime.now(UTC) - timedelta(minutes=1))
    handler(event, None)
    world.session.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved"
    )
    handler(event, None)
    assert world.statuses(arn) == ["Approved"]


MALFORMED: list[Any] = [
    *(None, 7, "text", [], {}, {"source": "aws.cloudwatch"}, {"source": "aws.cloudwatch", "detail": []}),
    {
        "source": "aws.cloudwatch",
        "detail": {"alarmName": f"boomerang-model-degraded-{GROUP}", "state": "ALARM"},
    },
    alarm_event(name="somebody-elses"),
    alarm_event(value="OK"),
    alarm_event(value=["ALARM"]),
    alarm_event(timestamp=None),
    alarm_event(timestamp="yesterday"),
    alarm_event(timestamp="2026-11-20T10:00:00"),
    alarm_event(timestamp=1_763_632_800),
    alarm_event(actionsSuppressedBy="Alarm"),
    canary_event(pipelineArn="arn:aws:sagemaker:us-east-1:123456789012:pipeline/boomerang"),
    canary_event(pipelineArn=None),
    canary_event(currentPipelineExecutionStatus="Failed"),
    canary_event(),  # there is no alarm of this name
]


@pytest.mark.parametrize("event", MALFORMED, ids=range(len(MALFORMED)))
def test_what_asks_for_nothing_is_logged_and_dropped(
    world: World, event: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = world.approved()
    capsys.readouterr()
    assert handler(event, None)["outcome"] == "nothing"
    assert world.statuses(arn) == ["Approved"]
    line = json.loads(capsys.readouterr().out)
    assert line["outcome"] == "nothing"
    assert line["why"]


def test_an_event_cannot_name_the_group_the_package_or_the_status(world: World) -> None:
    ours, theirs = world.approved(), world.approved(OTHER)
    event = alarm_event(ModelApprovalStatus="Approved", ModelPackageArn=theirs)
    event["detail"] |= {"PACKAGE_GROUP": OTHER, "ModelPackageGroupName": OTHER, "ModelPackageArn": theirs}
    event["resources"] = [theirs]
    assert handler(event, None)["package"] == ours
    assert world.statuses(theirs) == ["Approved"]


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=8,
)
_PLACES = st.sampled_from(
    [(), ("source",), ("detail",), ("time",), ("detail", "alarmName"), ("detail", "state")]
    + [("detail", "state", key) for key in ("value", "timestamp", "reason", "actionsSuppressedBy")]
    + [("detail", "pipelineArn"), ("detail", "currentPipelineExecutionStatus"), ("detail", "ModelPackageArn")]
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.sampled_from([alarm_event(), canary_event(), package_event("")]), place=_PLACES, junk=_JUNK)
def test_junk_anywhere_in_an_event_never_fails(world: World, event: Any, place: Any, junk: Any) -> None:
    event = copy.deepcopy(event)
    node = event
    for key in place[:-1]:
        node = node.get(key, {})
    if place:
        node[place[-1]] = junk
    outcome = handler(event if place else junk, None)["outcome"]
    assert outcome == "nothing"  # no package is Approved here, so nothing else is right


@pytest.mark.parametrize("offset", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_time_are_times(world: World, offset: str) -> None:
    world.approved()
    assert handler(alarm_event(timestamp=offset), None)["outcome"] in {"nothing", "rejected"}


def test_the_role_allows_every_call_and_nothing_that_nobody_needs(world: World, whole: Stack) -> None:
    first, second = world.approved(), world.approved()
    world.raise_alarm()
    third = world.register_unheard()
    granted = statements(Stack(whole.template, whole.parameters, {"Alerts": world.topic}), "RejectRole")
    with recording(world.session) as calls:
        assert handler(package_event(third), None)["outcome"] == "nothing"
        assert handler(alarm_event(), None)["package"] == second
    world.left(second, days_ago=4)
    with recording(world.session) as more:
        assert handler(canary_event(), None)["package"] == first
    calls += more
    actions = {action for call in calls for action in call.actions}
    resources = {action: first for action in actions if action.startswith("sagemaker:")}
    kept = f"${{DataBucket.Arn}}/boomerang/registered/{GROUP}/3.json"
    resources |= {action: kept for action in actions if action.startswith("s3:")}
    resources |= {"sns:Publish": world.topic, "cloudwatch:DescribeAlarms": "*"}
    assert refused(granted, calls, resources) == []
    assert unused(granted, calls, "RejectRole") == set()
    # What it is said to need beside its calls is granted too, so no entry is a leftover.
    assert SERVICE_NEEDS["RejectRole"].keys() <= {action for each in granted for action in each.actions}


@pytest.mark.parametrize(
    ("action", "package", "context"),
    [
        ("sagemaker:UpdateModelPackage", "boomerang/1", {"sagemaker:ModelApprovalStatus": "Approved"}),
        ("sagemaker:UpdateModelPackage", "boomerang/1", {}),
        ("sagemaker:UpdateModelPackage", "another/1", {"sagemaker:ModelApprovalStatus": "Rejected"}),
        ("sagemaker:UpdateModelPackage", "boomerang2/1", {"sagemaker:ModelApprovalStatus": "Rejected"}),
        ("sagemaker:DescribeModelPackage", "another/1", {}),
        ("sagemaker:DeleteModelPackage", "boomerang/1", {}),
        ("sagemaker:CreateModelPackage", "boomerang/1", {"sagemaker:ModelApprovalStatus": "Rejected"}),
    ],
)
def test_the_role_cannot_approve_nor_touch_another_group(
    whole: Stack, action: str, package: str, context: dict[str, str]
) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{package}"
    granted = statements(whole, "RejectRole")
    assert not allows(granted, action, arn, context)
    mine = "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang/1"
    assert allows(
        granted, "sagemaker:UpdateModelPackage", mine, {"sagemaker:ModelApprovalStatus": "Rejected"}
    )


def test_a_model_is_rejected_even_if_nobody_can_be_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = world.approved()
    monkeypatch.setenv("TOPIC_ARN", f"{world.topic}-gone")
    with pytest.raises(ClientError, match="does not exist"):
        handler(alarm_event(), None)
    assert world.statuses(arn) == ["Rejected"]
