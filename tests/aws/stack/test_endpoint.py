"""The example of an endpoint, without an account: what CloudFormation, SageMaker and CloudWatch would say."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from helpers.ranges import ROOT

from aws.alarms import Alarm, check_alarms, read_alarms
from aws.check.played import alone
from aws.check.template import check_lint
from aws.image.image import DOCKERFILE, context
from aws.stack.intrinsics import TEMPLATE, Stack, load_template
from aws.stack.policy import allows, statements
from boomerang.errors import BadInput
from pipelines.check.requests import check_value
from pipelines.check.service import request_shape
from processing import endpoint

ENDPOINT = TEMPLATE.with_name("endpoint.yaml")
GIVEN = {
    "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang/3",
    "ModelDigest": "ab" * 32,
    "DataBucketName": "data",
    "DataKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "AlertsTopicArn": "arn:aws:sns:us-east-1:123456789012:boomerang-alerts",
}
RUN = "arn:aws:s3:::data/boomerang/default/runs/abc"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(load_template(ENDPOINT), GIVEN, {})


def of(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.resources[name]["Properties"]
    return found


def test_cfn_lint_finds_nothing() -> None:
    assert check_lint(ENDPOINT).problems == ()


def test_a_parameter_without_a_value_is_named() -> None:
    given = {key: value for key, value in GIVEN.items() if key != "DataKeyArn"}
    with pytest.raises(BadInput, match="parameter 'DataKeyArn': it has no default"):
        _ = Stack(load_template(ENDPOINT), given, {}).resources


def test_what_has_to_be_given_has_no_default(stack: Stack) -> None:
    declared = stack.template["Parameters"]
    assert {name for name, each in declared.items() if "Default" not in each} == GIVEN.keys()
    for name, pattern in (
        (n, each["AllowedPattern"]) for n, each in declared.items() if "AllowedPattern" in each
    ):
        assert re.fullmatch(pattern, GIVEN.get(name, "boomerang")), name


def test_a_failing_model_is_rolled_back_on_every_alarm_of_the_endpoint(stack: Stack) -> None:
    deployment = of(stack, "Endpoint")["DeploymentConfig"]
    alarms = {each.name for each in read_alarms(stack.resources)}
    assert {each["AlarmName"] for each in deployment["AutoRollbackConfiguration"]["Alarms"]} == alarms
    assert len(alarms) == 2
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    (variant,) = of(stack, "Config")["ProductionVariants"]
    # SageMaker moves at most half of the machines at first.
    assert routing["CanarySize"]["Value"] * 2 <= int(variant["InitialInstanceCount"])


def test_the_alarms_are_on_what_the_endpoint_reports_and_within_the_limits(stack: Stack) -> None:
    assert [str(finding) for finding in check_alarms(stack.resources)] == []
    (variant,) = of(stack, "Config")["ProductionVariants"]
    expected = {"EndpointName": of(stack, "Endpoint")["EndpointName"], "VariantName": variant["VariantName"]}
    for alarm in read_alarms(stack.resources):
        assert isinstance(alarm, Alarm)
        (query,) = alarm.queries
        assert query.metric and (query.metric.namespace, dict(query.metric.dimensions)) == (
            "AWS/SageMaker",
            expected,
        )


def test_each_alarm_played_goes_off_on_two_bad_minutes_while_it_is_looked_at(stack: Stack) -> None:
    names = {"boomerang-endpoint-errors": "ErrorsAlarm", "boomerang-endpoint-latency": "LatencyAlarm"}
    baking = int(stack.template["Parameters"]["BakingSeconds"]["MinValue"])
    for alarm in read_alarms(stack.resources):
        assert isinstance(alarm, Alarm)
        outcome = alone(alarm, names.pop(alarm.name), timedelta(minutes=1))
        assert outcome.problems == () and "in ALARM on 2 of 3 points greater than" in outcome.said
        assert alarm.period * alarm.periods < baking
    assert names == {}


def test_an_alarm_that_would_miss_a_bad_minute_is_found_by_playing(stack: Stack) -> None:
    wrong = Stack(load_template(ENDPOINT), GIVEN | {"MaxErrorRate": "0"}, {})
    alarm = next(each for each in read_alarms(wrong.resources) if each.name == "boomerang-endpoint-errors")
    assert isinstance(alarm, Alarm)
    assert alone(alarm, "ErrorsAlarm", timedelta(minutes=1)).problems == ()
    of(wrong, "ErrorsAlarm")["TreatMissingData"] = "breaching"
    (alarm, _) = read_alarms(wrong.resources)
    assert isinstance(alarm, Alarm)
    assert alone(alarm, "ErrorsAlarm", timedelta(minutes=1)).problems


@pytest.mark.parametrize(
    ("resource", "operation", "added"),
    [
        ("Model", "CreateModel", {"ModelName": "m"}),
        ("Config", "CreateEndpointConfig", {"EndpointConfigName": "c"}),
        ("Endpoint", "CreateEndpoint", {}),
    ],
)
def test_the_service_would_take_it(
    stack: Stack, resource: str, operation: str, added: dict[str, str]
) -> None:
    known = {
        "Model.ModelName": "m",
        "Config.EndpointConfigName": "c",
        "ServingRole.Arn": "arn:aws:iam::123456789012:role/r",
    }
    request = {**_numbers(_known(of(stack, resource), known)), **added}
    assert [str(each) for each in check_value(request, request_shape(operation), resource, "")] == []


def _known(value: Any, known: dict[str, str]) -> Any:
    """Return a value with what only an account knows filled in."""
    if isinstance(value, dict):
        return {key: _known(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [_known(each, known) for each in value]
    return known.get(str(value).removeprefix("${").removesuffix("}"), value)


def _numbers(value: Any) -> Any:
    """Return a value with the numbers that CloudFormation makes of texts."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return int(value) if isinstance(value, str) and value.isdecimal() else value


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", f"{RUN}/Harden/model/j/output/model.tar.gz", True),
        ("s3:GetObject", f"{RUN}/TrainVictim/model/j/output/model.tar.gz", True),
        ("s3:GetObject", f"{RUN}/Poison/secret/truth.json", False),
        ("s3:GetObject", f"{RUN}/Evaluate/evaluation/probes/0/x.npy", False),
        ("s3:PutObject", f"{RUN}/Harden/model/j/output/model.tar.gz", False),
        ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:123456789012:repository/boomerang", True),
        ("kms:Decrypt", GIVEN["DataKeyArn"], True),
        ("kms:CreateGrant", GIVEN["DataKeyArn"], False),
        ("sagemaker:UpdateModelPackage", GIVEN["ModelPackageArn"], False),
        ("cloudwatch:DescribeAlarms", "${ErrorsAlarm.Arn}", True),
        ("cloudwatch:DescribeAlarms", "*", False),
    ],
)
def test_the_container_s_role_reads_models_and_nothing_else(
    stack: Stack, action: str, resource: str, allowed: bool
) -> None:
    assert allows(statements(stack, "ServingRole"), action, resource) is allowed


def test_the_container_is_told_which_model_was_approved_and_can_serve_it(stack: Stack) -> None:
    model = of(stack, "Model")
    (container,) = model["Containers"]
    assert container == {
        "ModelPackageName": GIVEN["ModelPackageArn"],
        "Environment": {endpoint.DIGEST: GIVEN["ModelDigest"]},
    }
    assert model["EnableNetworkIsolation"] is True
    assert "aws/image/container/serve" in (ROOT / DOCKERFILE).read_text()
    assert b"exec python -m processing.endpoint" in context()
