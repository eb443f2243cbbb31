"""What `check` finds in the stack: nothing in our own template, and each of many planted mistakes."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import ROOT

from aws.check import Outcome, Problem, content_checks, stack_checks
from aws.check.calls import Kept
from aws.check.patterns import cases, matches
from aws.check.roles import check_roles
from aws.check.schedule import Cron, read_schedule
from aws.check.stacks import whole_stack
from aws.check.template import check_lint, place
from aws.stack.intrinsics import TEMPLATE, load_template
from boomerang.errors import BadInput, UsageError

Template = dict[str, Any]


@pytest.fixture(scope="module")
def sound() -> Template:
    return load_template()


def problems(outcomes: Iterable[Outcome]) -> list[Problem]:
    return [problem for outcome in outcomes for problem in outcome.problems]


# ---- The project's own template


@pytest.fixture(scope="module")
def own() -> list[Outcome]:
    return stack_checks()


def test_the_template_has_no_mistake(own: list[Outcome]) -> None:
    assert [str(problem) for problem in problems(own)] == []


def test_each_check_says_what_it_looked_at(own: list[Outcome]) -> None:
    said = [outcome.said.partition(":")[0] for outcome in own]
    known = {"template", "parameters", "alarms", "roles", "dashboard", "events", "schedules", "played"}
    assert set(said) == known
    # One line an alarm: six on metrics, one composite, and that somebody hears of each.
    assert said.count("played") == 9


@pytest.mark.parametrize(
    "parameters",
    [
        {"ProjectName": "range-2", "PackageGroup": "planes", "CreatePackageGroup": "false"},
        {"AlarmPeriodSeconds": "3600", "CanarySchedule": "rate(1 hour)"},
        {"AlarmPeriodSeconds": "21600", "CanarySchedule": "cron(0 0/6 * * ? *)"},
        {"AlarmEvaluationPeriods": "7", "AlarmDatapoints": "7"},
        {"AlarmEvaluationPeriods": "1", "AlarmDatapoints": "1"},
        {"CanaryFloor": "1", "MaxDrop": "0", "MaxAsr": "0"},
        {"VpcId": "vpc-9", "SubnetIds": "subnet-9", "SecurityGroupIds": "sg-9"},
    ],
    ids=str,
)
def test_with_other_parameters_there_is_no_mistake_either(
    sound: Template, parameters: Mapping[str, str]
) -> None:
    assert [str(problem) for problem in problems(content_checks(sound, parameters))] == []


def test_it_needs_no_network_no_credentials_and_no_third_party_sdk_of_ours() -> None:
    code = """
import os, socket, sys
for name in list(os.environ):
    if name.startswith("AWS_"):
        del os.environ[name]
def refuse(*_, **__):
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refuse
from aws.check import stack_checks
outcomes = stack_checks()
print(len(outcomes), *(m for m in ("sagemaker", "tensorflow", "pipelines") if m in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["16"], done.stderr


# ---- Planted mistakes


def of(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def default(template: Template, name: str, value: str) -> None:
    template["Parameters"][name]["Default"] = value


def statement(template: Template, name: str, sid: str) -> dict[str, Any]:
    """Return a statement of a role or of a managed policy by its Sid."""
    properties = of(template, name)
    documents = [each["PolicyDocument"] for each in properties.get("Policies", ())]
    documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    return next(each for document in documents for each in document["Statement"] if each.get("Sid") == sid)


def pattern(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = of(template, name)["EventPattern"]
    return found


def transformer(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = of(template, "PipelineFailedRule")["Targets"][0]["InputTransformer"]
    return found


# What is done to the template; the resource, the property and the words by which it is named.
PLANTED: dict[str, tuple[Callable[[Template], Any], str, str, str]] = {
    # parameters
    "more points than periods": (
        lambda t: default(t, "AlarmDatapoints", "4"),
        *("Parameters", "AlarmDatapoints", "4 of 3 (AlarmEvaluationPeriods) never happen"),
    ),
    "a range of more than 7 days": (
        lambda t: (
            t["Parameters"]["AlarmEvaluationPeriods"].pop("MaxValue"),
            default(t, "AlarmEvaluationPeriods", "8"),
        ),
        *("Parameters", "AlarmEvaluationPeriods", "more than the 7 days"),
    ),
    "a default that is not allowed": (
        lambda t: default(t, "AlarmPeriodSeconds", "60"),
        *("Parameters", "AlarmPeriodSeconds", "'60' is none of 3600, 21600, 86400"),
    ),
    "a default that does not match": (
        lambda t: default(t, "ProjectName", "Boomerang"),
        *("Parameters", "ProjectName", "does not match"),
    ),
    "a default out of its range": (
        lambda t: default(t, "MaxDrop", "1.5"),
        *("Parameters", "MaxDrop", "1.5 is not within 0 and 1"),
    ),
    "a default that is no number": (
        lambda t: default(t, "MaxAsr", "ten"),
        *("Parameters", "MaxAsr", "'ten' is no number"),
    ),
    "no default": (
        lambda t: t["Parameters"]["MaxAsr"].pop("Default"),
        *("Parameters", "MaxAsr", "no default"),
    ),
    "half a network": (
        lambda t: default(t, "VpcId", "vpc-1"),
        *("Parameters", "SubnetIds", "give all three or none"),
    ),
    "no slack for a period": (
        lambda t: t["Mappings"]["WithSlack"]["3600"].update(Seconds=3600),
        *("Mappings", "WithSlack.3600", "every 3600 s would be missing"),
    ),
    "a rule that does not hold": (
        lambda t: default(t, "AlarmPeriodSeconds", "3600"),
        *("Rules", "ShortPeriods", "need a canary by the hour"),
    ),
    # alarms
    "a metric that nobody publishes": (
        lambda t: of(t, "AttackAlarm").update(MetricName="AttackRate"),
        *("AttackAlarm", "Properties.MetricName", "AttackRate"),
    ),
    "missing data that alarms": (
        lambda t: of(t, "AccuracyFloorAlarm").update(TreatMissingData="missing"),
        *("AccuracyFloorAlarm", "Properties.TreatMissingData", "one bad point"),
    ),
    "an unknown property of an alarm": (
        lambda t: of(t, "AttackAlarm").update(Treshold=1),
        *("AttackAlarm", "Properties.template", "did you mean 'Threshold'?"),
    ),
    # roles: a call that is not allowed
    "a call that its role may not make": (
        lambda t: statement(t, "CanaryRole", "FindTheApprovedModel").update(
            Action=["sagemaker:ListModelPackages"]
        ),
        *("CanaryRole", "Policies", "sagemaker:DescribeModelPackage on"),
    ),
    "a call on another group": (
        lambda t: statement(t, "RejectRole", "RejectAndNothingElse").update(
            Resource="arn:aws:sagemaker:us-east-1:123456789012:model-package/another/*"
        ),
        *("RejectRole", "Policies", "sagemaker:ModelApprovalStatus Rejected is not allowed, and aws.reject"),
    ),
    "a condition that the call does not meet": (
        lambda t: statement(t, "CanaryRole", "PublishMetrics").update(
            Condition={"StringEquals": {"cloudwatch:namespace": "Bumerang"}}
        ),
        *(
            "CanaryRole",
            "Policies",
            "cloudwatch:namespace Boomerang is not allowed, and aws.jobs.canary_job calls it",
        ),
    ),
    "a bucket's place that is not read": (
        lambda t: statement(t, "CanaryRole", "ReadModelAndRecords").update(
            Resource={"Fn::Sub": "${DataBucket.Arn}/${ProjectName}/inputs/*"}
        ),
        *("CanaryRole", "Policies", "Harden/model/model.tar.gz is not allowed"),
    ),
    "a key that nobody may sign with": (
        lambda t: of(t, "SigningKey")["KeyPolicy"]["Statement"].pop(1),
        *("SigningRole", "Policies", "kms:Sign on"),
    ),
    "a key whose alias is another": (
        lambda t: of(t, "SigningKeyAlias").update(AliasName="alias/other"),
        *("SigningRole", "Policies", "kms:GetPublicKey on"),
    ),
    "a function that cannot tell": (
        lambda t: of(t, "RejectRole")["Policies"][0]["PolicyDocument"]["Statement"].remove(
            statement(t, "RejectRole", "TellPeople")
        ),
        *("RejectRole", "Policies", "sns:Publish on"),
    ),
    "a need of AWS's that is not granted": (
        lambda t: statement(t, "RejectRole", "KeepWhatFailed").update(Action="sqs:GetQueueUrl"),
        *("RejectRole", "Policies", "sqs:SendMessage is not granted: Lambda Developer Guide"),
    ),
    "a condition operator that is not known": (
        lambda t: statement(t, "CanaryRole", "PublishMetrics").update(
            Condition={"DateLessThan": {"cloudwatch:namespace": "Boomerang"}}
        ),
        *("CanaryRole", "Policies", "DateLessThan"),
    ),
    "a reference to a role that is gone": (
        lambda t: t["Resources"].pop("SigningRole"),
        *("template: 'SigningRole.Arn'", "", "there is no such resource"),
    ),
    # roles: what nobody needs
    "an action that nobody needs": (
        lambda t: statement(t, "RejectRole", "TellPeople").update(Action=["sns:Publish", "sns:Subscribe"]),
        *("RejectRole", "Policies['TellPeople'].Action", "no call and no service needs sns:Subscribe"),
    ),
    "an action of a job that nobody needs": (
        lambda t: statement(t, "JobPolicy", "WriteLogs")["Action"].append("logs:DeleteLogGroup"),
        *("TrainingRole", "Policies['WriteLogs'].Action", "needs logs:DeleteLogGroup"),
    ),
    "an action that a key grants and nobody needs": (
        lambda t: of(t, "SigningKey")["KeyPolicy"]["Statement"][1].update(
            Action=["kms:Sign", "kms:Decrypt2"]
        ),
        *("SigningRole", "Policies['OneRoleSigns'].Action", "needs kms:Decrypt2"),
    ),
    "an action of a person that nobody needs": (
        lambda t: statement(t, "ApproverPolicy", "LookAtCandidates")["Action"].append(
            "sagemaker:DeleteModelPackage"
        ),
        *("ApproverRole", "Policies['LookAtCandidates'].Action", "needs sagemaker:DeleteModelPackage"),
    ),
    "a role that nobody accounts for": (
        lambda t: t["Resources"].update(
            NewRole={
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Policies": [
                        {
                            "PolicyName": "p",
                            "PolicyDocument": {
                                "Statement": [
                                    {"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "a"}
                                ]
                            },
                        }
                    ]
                },
            }
        ),
        *("NewRole", "Policies['S'].Action", "no call and no service needs s3:GetObject"),
    ),
    "a wildcard action": (
        lambda t: statement(t, "ProcessingRole", "ReadInputsAndRuns").update(Action="s3:Get*"),
        *("ProcessingRole", "Policies['ReadInputsAndRuns'].Action", "s3:Get* is a wildcard"),
    ),
    "a wildcard resource": (
        lambda t: statement(t, "CanaryRole", "ReadModelAndRecords").update(Resource="*"),
        *("CanaryRole", "Policies['ReadModelAndRecords'].Resource", "'*' for s3:GetObject"),
    ),
    # events
    "a misspelt source": (
        lambda t: pattern(t, "ModelDegradedRule").update(source=["aws.cloudwach"]),
        *("ModelDegradedRule", "Properties.EventPattern", "it does not match: composite alarm"),
    ),
    "a misspelt status": (
        lambda t: pattern(t, "PipelineFailedRule")["detail"].update(
            currentPipelineExecutionStatus=["FAILED"]
        ),
        *("PipelineFailedRule", "Properties.EventPattern", "it does not match: pipeline execution"),
    ),
    "a key of another level": (
        lambda t: pattern(t, "ModelDegradedRule")["detail"].update(state=["ALARM"]),
        *("ModelDegradedRule", "Properties.EventPattern", "it does not match: composite alarm"),
    ),
    "a pattern for every state": (
        lambda t: pattern(t, "ModelDegradedRule")["detail"].pop("state"),
        *(
            "ModelDegradedRule",
            "Properties.EventPattern",
            "what it should not: composite alarm, detail.state.value OK",
        ),
    ),
    "a pattern for every alarm": (
        lambda t: pattern(t, "ModelDegradedRule")["detail"].pop("alarmName"),
        *("ModelDegradedRule", "Properties.EventPattern", "detail.alarmName ServerCpuTooHigh"),
    ),
    "a pattern for every pipeline": (
        lambda t: pattern(t, "CanarySucceededRule")["detail"].pop("pipelineArn"),
        *("CanarySucceededRule", "Properties.EventPattern", "what it should not: pipeline execution, -2"),
    ),
    "an operator that is not known": (
        lambda t: pattern(t, "CanarySucceededRule")["detail"].update(pipelineArn=[{"sufix": "-canary"}]),
        *(
            "CanarySucceededRule",
            "Properties.EventPattern",
            '{"sufix": "-canary"}: the operator is not known',
        ),
    ),
    "a value that is no list": (
        lambda t: pattern(t, "CanarySucceededRule").update(source="aws.sagemaker"),
        *("CanarySucceededRule", "Properties.EventPattern", "'aws.sagemaker' is no list of values"),
    ),
    "a rule that nobody knows": (
        lambda t: t["Resources"].update(
            NewRule={"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["aws.ec2"]}}}
        ),
        *("NewRule", "Properties.EventPattern", "no kept event says what it is for"),
    ),
    "a rule that is gone": (
        lambda t: [t["Resources"].pop(name) for name in ("CanarySucceededRule", "CanarySucceededPermission")],
        *("CanarySucceededRule", "", "there is no such rule"),
    ),
    "a path that the event does not have": (
        lambda t: transformer(t)["InputPathsMap"].update(execution="$.detail.executionArn"),
        *(
            "PipelineFailedRule",
            "Properties.Targets['people'].InputTransformer.InputPathsMap.execution",
            "nothing at $.detail.executionArn",
        ),
    ),
    "a word of the message that is not taken": (
        lambda t: transformer(t)["InputPathsMap"].pop("at"),
        *(
            "PipelineFailedRule",
            "Properties.Targets['people'].InputTransformer.InputTemplate",
            "<at> is not in",
        ),
    ),
    "a function that lets the rule not in": (
        lambda t: t["Resources"].pop("ModelDegradedPermission"),
        *("ModelDegradedRule", "Properties.Targets['reject'].Arn", "no AWS::Lambda::Permission"),
    ),
    # schedules
    "a schedule that leaves gaps": (
        lambda t: default(t, "CanarySchedule", "cron(0 6 ? * MON-FRI *)"),
        *("CanaryTimer", "Properties.ScheduleExpression", "leaves 72 h between two runs"),
    ),
    "a unit of the wrong number": (
        lambda t: default(t, "CanarySchedule", "rate(1 days)"),
        *("CanaryTimer", "Properties.ScheduleExpression", "write rate(1 day)"),
    ),
    "five fields": (
        lambda t: default(t, "CanarySchedule", "cron(0 6 * * ?)"),
        *("CanaryTimer", "Properties.ScheduleExpression", "it has 5 fields"),
    ),
    "a time zone with daylight saving": (
        lambda t: of(t, "CanaryTimer").update(ScheduleExpressionTimezone="Europe/Berlin"),
        *("CanaryTimer", "Properties.ScheduleExpressionTimezone", "25 hours"),
    ),
    # played
    "an alarm on the wrong side": (
        lambda t: of(t, "AccuracyFloorAlarm").update(ComparisonOperator="GreaterThanThreshold"),
        *("AccuracyFloorAlarm", "Properties", "2 bad points of 3 do not raise it"),
    ),
    "an alarm at its threshold": (
        lambda t: of(t, "AccuracyDropAlarm").update(ComparisonOperator="GreaterThanOrEqualToThreshold"),
        *("AccuracyDropAlarm", "Properties", "it is in ALARM at its threshold"),
    ),
    "a good point that hides a bad one": (
        lambda t: of(t, "AttackAlarm").update(Statistic="Minimum"),
        *("AttackAlarm", "Properties", "a bad point is hidden by a good one"),
    ),
    "an alarm on nothing": (
        lambda t: of(t, "DeadLettersAlarm").update(TreatMissingData="breaching"),
        *("DeadLettersAlarm", "Properties.TreatMissingData", "though nothing is measured"),
    ),
    "absence that nobody notices": (
        lambda t: of(t, "CanaryMissingAlarm").update(EvaluationPeriods=5),
        *(
            "CanaryMissingAlarm",
            "Properties.TreatMissingData",
            "it is not in ALARM though points are missing",
        ),
    ),
    "absence without slack": (
        lambda t: of(t, "CanaryMissingAlarm")["Metrics"][0]["MetricStat"].update(Period=86400),
        *("CanaryMissingAlarm", "Properties", "though every period has a point"),
    ),
    "an alarm that no composite names": (
        lambda t: of(t, "ModelDegradedComposite").update(
            AlarmRule={"Fn::Sub": 'ALARM("${AccuracyFloorAlarm}") OR ALARM("${AttackAlarm}")'}
        ),
        *("AccuracyDropAlarm", "Properties.AlarmActions", "nobody hears of it"),
    ),
    "a composite that asks for all": (
        lambda t: of(t, "ModelDegradedComposite").update(
            AlarmRule={
                "Fn::Sub": 'ALARM("${AccuracyFloorAlarm}") AND ALARM("${AccuracyDropAlarm}") '
                'AND ALARM("${AttackAlarm}")'
            }
        ),
        *("ModelDegradedComposite", "Properties.AlarmRule", "0 events reach the function by AttackAlarm"),
    ),
    "a canary that is missing rejects": (
        lambda t: of(t, "ModelDegradedComposite").update(
            AlarmRule={
                "Fn::Sub": 'ALARM("${AccuracyFloorAlarm}") OR ALARM("${AccuracyDropAlarm}") '
                'OR ALARM("${AttackAlarm}") OR ALARM("${CanaryMissingAlarm}")'
            }
        ),
        *("ModelDegradedComposite", "Properties.AlarmRule", "a canary that is missing rejects the model"),
    ),
    "a suppressor that is never on": (
        lambda t: of(t, "ModelDegradedComposite").update(ActionsSuppressor={"Ref": "AttackAlarm"}),
        *("ModelDegradedComposite", "Properties.ActionsSuppressor", "it suppresses nothing"),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name: str, sound: Template) -> None:
    plant, where, field, said = PLANTED[name]
    template = copy.deepcopy(sound)
    plant(template)
    found = []
    for outcome in content_checks(template):
        found += outcome.problems
        if any(p.where == where and p.field == field and said in p.what for p in outcome.problems):
            return
    pytest.fail(f"it was not named: {found}")


@pytest.mark.parametrize(
    ("before", "after", "where", "field"),
    [
        ("KeyUsage: SIGN_VERIFY", "KeyUsage: SIGN_AND_VERIFY", "SigningKey", "Properties.KeyUsage"),
        (
            "TreatMissingData: breaching",
            "TreatMisingData: x",
            "CanaryMissingAlarm",
            "Properties.TreatMisingData",
        ),
    ],
)
def test_what_cfn_lint_finds_is_named_by_resource(
    tmp_path: Path, before: str, after: str, where: str, field: str
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE.read_text().replace(before, after))
    (problem,) = check_lint(path).problems
    assert (problem.where, problem.field) == (where, field)


@pytest.mark.whole
def test_a_template_that_is_too_long_is_said(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    text = TEMPLATE.read_text()
    path.write_text(text + "# words\n" * 10_000)
    assert check_lint(path).problems == ()
    path.write_text(text.replace("Outputs:", "Outputs:" + "\n" * 20_000))
    assert "51,200 are allowed" in check_lint(path).problems[0].what


def test_without_cfn_lint_that_is_the_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cfnlint.api", None)
    (problem,) = check_lint(TEMPLATE).problems
    assert problem.where == "cfn-lint" and "not installed" in problem.what


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["Resources", "A", "Properties", "B", "0"], ("A", "Properties.B.0")),
        (["Parameters", "P"], ("Parameters", "P")),
        ([], ("template", "")),
    ],
)
def test_a_path_is_a_resource_and_a_property(path: list[str], expected: tuple[str, str]) -> None:
    assert place(path) == expected


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'MaxDrop'"):
        stack_checks({"MaxDrops": "1"})


def test_a_role_that_calls_are_kept_of_must_be_there(sound: Template) -> None:
    kept = {"GoneRole": {"aws.gone": (Kept("s3", "GetObject", "*"),)}}
    found = check_roles(whole_stack(sound, {}), kept).problems
    assert Problem("GoneRole", "", "there is no such role, and calls are made with it") in found


def test_without_kept_calls_every_call_is_unneeded(sound: Template) -> None:
    found = check_roles(whole_stack(sound, {}), {}).problems
    assert {problem.where for problem in found} >= {"CanaryRole", "RejectRole", "SigningRole"}


# ---- Event patterns


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": ["x"]}, {"a": "x", "b": 1}, True),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["X"]}, {"a": "x"}, False),
        ({"a": ["x"], "b": [1]}, {"a": "x"}, False),
        ({"a": {"b": [1]}}, {"a": {"b": 1}}, True),
        ({"a": {"b": [1]}}, {"a": 1}, False),
        ({"a": ["x"]}, {"a": ["y", "x"]}, True),  # any of an event's array
        ({"a": [None]}, {"a": None}, True),
        ({"a": [""]}, {"a": None}, False),  # null and the empty text are not the same
        ({"a": [None]}, {}, False),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [1]}, {"a": "1"}, False),
        ({"a": [300]}, {"a": 300.0}, False),  # EventBridge compares how numbers are written
    ],
)
def test_a_pattern_matches_as_documented(pattern: Any, event: Any, expected: bool) -> None:
    assert matches(pattern, event) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        *({}, {"a": []}, {"a": "x"}, {"a": {}}, [], {"$or": [{"a": ["x"]}]}),
        *({"a": [{"prefix": "x"}]}, {"a": ["x", {"exists": True}]}, {"a": [["x"]]}),
    ],
    ids=str,
)
def test_what_is_no_pattern_here_is_refused(pattern: Any) -> None:
    with pytest.raises(BadInput):
        matches(pattern, {"a": "x"})


def test_the_kept_events_have_the_stacks_names(sound: Template) -> None:
    stack = whole_stack(sound, {"ProjectName": "range", "PackageGroup": "planes"})
    kept = cases(stack)
    assert "${" not in str([case.event for case in kept])
    assert {case.event["source"] for case in kept} == {"aws.cloudwatch", "aws.sagemaker"}
    statuses = {case.event["detail"].get("currentPipelineExecutionStatus") for case in kept}
    # Every PipelineExecutionStatus of DescribePipelineExecution (API reference).
    assert statuses - {None} == {"Executing", "Stopping", "Stopped", "Failed", "Succeeded"}
    assert kept[0].event["detail"]["alarmName"] == "range-model-degraded-planes"


# ---- Schedules


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("rate(1 minute)", 1 / 60),
        ("rate(90 minutes)", 1.5),
        ("rate(12 hours)", 12),
        ("rate(2 days)", 48),
        ("cron(0 6 * * ? *)", 24),
        ("cron(15,45 6-8 ? * * *)", 21.5),
        ("cron(0/15 * * * ? *)", 0.25),
        ("cron(0 */6 * * ? *)", 6),
        ("cron(0 22,2 * * ? *)", 20),
        ("cron(0 6 ? * MON-FRI *)", 72),
        ("cron(0 6 ? * 2-6 *)", 72),
        ("cron(0 6 ? * SUN *)", 168),
        ("cron(0 6 ? * FRIL *)", 35 * 24),
        ("cron(0 6 ? * 3#2 *)", 35 * 24),
        ("cron(0 6 1 * ? *)", 31 * 24),
        ("cron(0 6 L * ? *)", 31 * 24),
        ("cron(0 6 15W * ? *)", 32 * 24),
        ("cron(0 6 1-28 * ? *)", 4 * 24),
        ("cron(0 6 1 JAN,JUL ? *)", 184 * 24),
    ],
)
def test_the_longest_gap_of_a_schedule(text: str, hours: float) -> None:
    assert read_schedule(text).longest_gap.total_seconds() / 3600 == pytest.approx(hours)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rate(1 hours)", "does not go with 1"),
        ("rate(5 hour)", "does not go with 5"),
        ("rate(0 hours)", "not positive"),
        ("rate(1 week)", "there is no unit 'week'"),
        ("rate(1.5 hours)", "neither"),
        ("rate(1  day)", "neither"),
        ("at(2027-01-01T00:00:00)", "neither"),
        ("cron(0 6 * * *)", "5 fields"),
        ("cron(0 6 * * * *)", "exactly one of day of month"),
        ("cron(0 6 ? * ? *)", "exactly one of day of month"),
        ("cron(60 6 * * ? *)", "'60' is not within 0 and 59"),
        ("cron(0 24 * * ? *)", "'24' is not within 0 and 23"),
        ("cron(0 6 0 * ? *)", "'0' is not within 1 and 31"),
        ("cron(0 6 32W * ? *)", "cannot be read"),
        ("cron(0 6 ? * 8 *)", "'8' is not within 1 and 7"),
        ("cron(0 6 ? * MON#6 *)", "cannot be read"),
        ("cron(0 6 * 13 ? *)", "'13' is not within 1 and 12"),
        ("cron(0 8-6 * * ? *)", "is not within"),
        ("cron(0/0 6 * * ? *)", "is not within"),
        ("cron(0 six * * ? *)", "cannot be read"),
        ("cron(0 6 * * ? 2027)", "in other years"),
    ],
)
def test_what_scheduler_would_refuse_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read_schedule(text)


def test_a_weekday_is_the_nearest_in_its_month() -> None:
    from datetime import date

    cron = read_schedule("cron(0 6 1W * ? *)")
    assert isinstance(cron, Cron)
    # 1 August 2027 is a Sunday, 1 May 2027 a Saturday: both go on to the Monday, never back a month.
    assert [cron.is_on(date(2027, 8, day)) for day in (1, 2)] == [False, True]
    assert [cron.is_on(date(2027, 5, day)) for day in (1, 2, 3)] == [False, False, True]
    last = read_schedule("cron(0 6 LW * ? *)")
    assert isinstance(last, Cron) and last.is_on(date(2027, 7, 30))  # the 31st is a Saturday
