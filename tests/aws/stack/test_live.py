"""The stack's change sets, waits, parameters and errors, against the cloud of `tests/helpers/cloud.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from helpers.cloud import REGION, Cloud, cloud

from aws.account import Account, connect
from aws.stack.changes import Change, ChangeSet, execute, prepare, template_body
from aws.stack.intrinsics import MAX_TEMPLATE_BYTES, TEMPLATE, load_template, stack
from aws.stack.live import Deployed, delete, find, settled
from aws.stack.parameters import check_together, read_parameters
from boomerang.errors import AwsError, BadInput, ConfigError, UsageError

NAME = "boomerang"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load_template()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with cloud(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def said() -> list[str]:
    return []


def change(template: dict[str, Any], said: list[str], **parameters: str) -> Deployed | None:
    """Bring the stack to these parameters; None if there was nothing to change."""
    account = Account(REGION)
    there = settled(account, NAME, said.append)
    made = prepare(account, NAME, there, {"ProjectName": NAME, **parameters}, template)
    return None if made is None else execute(account, made, said.append)


# ---- the template's text


def test_the_uploaded_template_is_the_same_without_its_comments(tmp_path: Path) -> None:
    body = template_body()
    (tmp_path / "template.yaml").write_text(body)
    assert load_template(tmp_path / "template.yaml") == load_template()
    assert not [line for line in body.splitlines() if line.lstrip().startswith("#")]
    assert len(body.encode()) < min(MAX_TEMPLATE_BYTES, TEMPLATE.stat().st_size)


def test_a_template_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("# a comment\nResources: " + "x" * MAX_TEMPLATE_BYTES)
    with pytest.raises(BadInput, match=r"51,200 are allowed"):
        template_body(path)


# ---- parameters, before an account is asked


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("MaxDrops=1", "did you mean 'MaxDrop'"),
        ("MaxDrop", "it is not KEY=VALUE"),
        ("MaxDrop=2", "2 is not within 0 and 1"),
        ("MaxDrop=-1", "-1 is not within 0 and 1"),
        ("MaxDrop=a lot", "'a lot' is no number"),
        ("AlarmPeriodSeconds=60", "'60' is none of 3600, 21600, 86400"),
        ("PackageGroup=Planes", "small letters, digits and hyphens"),
        ("ProjectName=other", "give it as --project"),
        ("DefinitionS3Key=a/b", "deploy sets it"),
    ],
)
def test_a_wrong_parameter_says_what_is_right(template: dict[str, Any], word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_parameters([word], NAME, template)


def test_a_project_s_name_is_held_against_the_template(template: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="small letters and digits"):
        read_parameters([], "My_Range", template)
    given = read_parameters(["MaxDrop=0.03", "SubnetIds=subnet-1,subnet-2"], "range", template)
    assert given == {"ProjectName": "range", "MaxDrop": "0.03", "SubnetIds": "subnet-1,subnet-2"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"AlarmPeriodSeconds": "3600"}, "alarms by the hour need a canary by the hour"),
        ({"VpcId": "vpc-1"}, "it is empty, and VpcId is not: give all three or none"),
        ({"AlarmDatapoints": "4"}, r"4 of 3 \(AlarmEvaluationPeriods\) never happen"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(
    template: dict[str, Any], values: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check_together(stack(values, template=template))
    check_together(stack({"AlarmPeriodSeconds": "3600", "CanarySchedule": "rate(1 hour)"}, template=template))


# ---- change sets


def test_a_stack_is_made_changed_and_left_alone(
    here: Cloud, template: dict[str, Any], said: list[str]
) -> None:
    made = change(template, said, MaxDrop="0.03")
    assert made is not None and made.status == "CREATE_COMPLETE"
    assert "stack boomerang: CREATE_IN_PROGRESS" in said  # it was waited for
    assert made.parameters["MaxDrop"] == "0.03" and made.outputs == here.outputs()
    assert change(template, said) is None  # what is not given stays
    assert here._sets == {}  # an empty change set is not left behind

    changed = change(template, said, MaxAsr="0.2")
    assert changed is not None and changed.status == "UPDATE_COMPLETE"
    assert (changed.parameters["MaxAsr"], changed.parameters["MaxDrop"]) == ("0.2", "0.03")
    (alarm,) = here.client("cloudwatch").describe_alarms(AlarmNames=["boomerang-attack"])["MetricAlarms"]
    assert alarm["Threshold"] == 0.2


def test_a_change_set_names_what_it_changes(here: Cloud, template: dict[str, Any], said: list[str]) -> None:
    change(template, said)
    account = Account(REGION)
    here.replaced = {"AttackAlarm"}
    made = prepare(account, NAME, find(account, NAME), {"MaxAsr": "0.2"}, template)
    assert made is not None
    assert made.changes == (Change("AttackAlarm", "AWS::CloudWatch::Alarm", "Modify", "True"),)


def test_a_stack_that_waits_for_its_first_change_set_goes_on(
    here: Cloud, template: dict[str, Any], said: list[str]
) -> None:
    account = Account(REGION)
    prepare(account, NAME, None, {}, template)
    waiting = settled(account, NAME, said.append)
    assert waiting is not None and (waiting.status, waiting.is_made) == ("REVIEW_IN_PROGRESS", False)
    made = change(template, said)
    assert made is not None and made.status == "CREATE_COMPLETE"


def test_a_change_under_way_is_waited_for(here: Cloud, template: dict[str, Any], said: list[str]) -> None:
    change(template, said)
    here._busy[NAME] = "UPDATE_IN_PROGRESS"
    assert change(template, said) is None
    assert "stack boomerang is UPDATE_IN_PROGRESS: waiting for it to end" in said


def test_a_stack_that_could_not_be_made_says_why_and_what_to_do(
    here: Cloud, template: dict[str, Any], said: list[str]
) -> None:
    here.break_next("Budget", "Budgets are not enabled")
    with pytest.raises(AwsError, match="Budget: Budgets are not enabled") as first:
        change(template, said)
    assert "the time before" not in str(first.value)
    with pytest.raises(AwsError, match=r"(?s)ROLLBACK_COMPLETE.*Budgets are not enabled.*pipelines destroy"):
        change(template, said)


def test_a_stack_that_cannot_be_deleted_names_what_stops_it(
    here: Cloud, template: dict[str, Any], said: list[str]
) -> None:
    made = change(template, said)
    assert made is not None
    here.break_next("Repository", "The repository is used")
    with pytest.raises(AwsError, match="Repository: The repository is used"):
        delete(Account(REGION), made, said.append)
    delete(Account(REGION), made, said.append)
    assert find(Account(REGION), NAME) is None
    assert said[-1] == "stack boomerang: DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("type_", "action", "replacement", "policy", "loses"),
    [
        ("AWS::S3::Bucket", "Add", "", "", ""),
        ("AWS::S3::Bucket", "Modify", "False", "", ""),
        ("AWS::S3::Bucket", "Modify", "True", "", "its objects are lost"),
        ("AWS::S3::Bucket", "Modify", "Conditional", "ReplaceAndRetain", "leaves it and its objects behind"),
        ("AWS::S3::Bucket", "Remove", "", "Retain", "leaves it and its objects behind"),
        ("AWS::ECR::Repository", "Remove", "", "Delete", "its images are lost"),
        ("AWS::Events::Rule", "Remove", "", "Delete", ""),
    ],
)
def test_what_a_change_loses_is_said(
    type_: str, action: str, replacement: str, policy: str, loses: str
) -> None:
    found = Change("X", type_, action, replacement, policy).loses
    assert loses in found and bool(loses) == bool(found)


def test_changes_that_lose_something_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.cloud.consent import show_changes

    changes = (
        Change("Rule", "AWS::Events::Rule", "Add"),
        Change("Data", "AWS::S3::Bucket", "Modify", "True"),
    )
    show_changes(ChangeSet("arn", NAME, changes))
    shown = capsys.readouterr().out
    assert shown.index("its objects are lost") < shown.index("Rule")


# ---- what goes wrong before AWS answers, or because it refuses


def codes(*names: str) -> Sequence[ClientError]:
    return [ClientError({"Error": {"Code": name, "Message": "no"}}, "DescribeStacks") for name in names]


@pytest.mark.parametrize(
    ("error", "do"),
    [
        *((each, r"ask for the permission cloudformation:DescribeStacks") for each in codes("AccessDenied")),
        *((each, r"sign in again") for each in codes("ExpiredToken", "InvalidClientTokenId")),
    ],
)
def test_a_refusal_says_what_to_do(
    here: Cloud, monkeypatch: pytest.MonkeyPatch, error: ClientError, do: str
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    here.session.events.register_first("before-call.cloudformation.DescribeStacks", refuse)
    with pytest.raises(AwsError, match=do):
        find(Account(REGION), NAME)


def test_without_credentials_it_says_how_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(AwsError, match=r"(?s)credentials.*aws sso login"):
        Account(REGION).identity()


def test_a_region_is_one_that_sagemaker_is_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'eu-west-1'"):
        connect("eu-west1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(AwsError, match="give --region"):
        connect()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsError, match="nobody"):
        connect(REGION)
