"""`aws/stack/template.yaml`: what it grants, encrypts, watches and keeps, and that it deploys as far as moto
can.

cfn-lint runs from the same environment as pytest. moto's CloudFormation skips types that it
does not know with a mere warning: any warning but those named here is an error.
"""

from __future__ import annotations

import copy
import io
import json
import re
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from helpers.ranges import ROOT
from moto import mock_aws

from aws.alarms import check_alarms
from aws.stack.changes import template_body
from aws.stack.intrinsics import MAX_TEMPLATE_BYTES, TEMPLATE, Stack, load_template, stack
from aws.stack.policy import (
    SERVICE_NEEDS,
    Call,
    Statement,
    allows,
    granted_actions,
    read_statement,
    statements,
    unused,
)
from boomerang.errors import BadInput, UsageError
from boomerang.watching.metric_names import NAMESPACE

KEYS = dict.fromkeys(("DefinitionS3Key", "CanaryDefinitionS3Key", "RejectCodeS3Key"), "some/key")
VPC = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}

# moto 5.2.5 has no CloudFormation for these; what they say is checked by cfn-lint and by other tests here.
SKIPPED_BY_MOTO = {
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SageMaker::Pipeline",
    "AWS::Scheduler::Schedule",
}

# Allow statements on every resource, each with the reason why the service knows no other.
EVERYTHING = {
    ("JobPolicy", "SignInToEcr"): "GetAuthorizationToken takes no resource",
    ("JobPolicy", "PublishMachineMetrics"): "PutMetricData takes no resource; the namespace is a condition",
    ("CanaryRole", "PublishMetrics"): "the same",
    ("JobNetworkPolicy", "LookAtTheNetwork"): "EC2's Describe actions take no resource",
    ("RejectRole", "SeeWhetherTheAlarmStands"): "composite alarms are shown only to who may see all alarms",
}

# What outlives the stack, and nothing else does; docs/aws.md says why.
RETAINED = {"DataKey", "SigningKey", "DataBucket", "LogBucket", "ModelPackages"}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load_template()


@pytest.fixture(scope="module")
def whole(template: dict[str, Any]) -> Stack:
    """The stack with all that it can have."""
    return stack(KEYS | VPC | {"NotificationEmail": "people@example.com"}, template=template)


def of_type(whole: Stack, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the resources of a type and their properties."""
    for name, entry in whole.resources.items():
        if entry["Type"] == kind:
            yield name, entry["Properties"]


def identity_policies(whole: Stack) -> Iterator[tuple[str, Statement]]:
    """Yield every statement of every role and managed policy, with who has it in his own text."""
    for name, entry in whole.resources.items():
        properties = entry["Properties"]
        documents = [each["PolicyDocument"] for each in properties.get("Policies", ())]
        if entry["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(properties["PolicyDocument"])
        for document in documents:
            yield from ((name, read_statement(each)) for each in document["Statement"])


def resource_policies(whole: Stack) -> Iterator[tuple[str, Statement, Any]]:
    """Yield every statement of the policies of keys, buckets, queues and topics, with its condition."""
    for name, entry in whole.resources.items():
        if not entry["Type"].startswith("AWS::IAM::"):
            properties = entry["Properties"]
            document = properties.get("PolicyDocument", properties.get("KeyPolicy", {"Statement": []}))
            yield from ((name, read_statement(each), each.get("Principal")) for each in document["Statement"])


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """Run cfn-lint, which has no `python -m`, as its script does."""
    code = "import sys; from cfnlint.runner import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--format", "parseable", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cfn_lint_finds_nothing() -> None:
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_cfn_lint_would_find_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TEMPLATE.read_text().replace("KeyUsage: SIGN_VERIFY", "KeyUsage: SIGN_AND_VERIFY"))
    done = lint(wrong)
    assert done.returncode != 0
    assert "SIGN_AND_VERIFY" in done.stdout


def test_cloudformation_takes_it_without_a_bucket() -> None:
    assert len(template_body().encode()) <= MAX_TEMPLATE_BYTES


def test_no_action_is_a_wildcard(whole: Stack) -> None:
    for name, statement in identity_policies(whole):
        assert not any("*" in action for action in statement.actions), (name, statement.sid)
    for name, statement, _ in resource_policies(whole):
        if statement.allows:
            assert not any("*" in action for action in statement.actions), (name, statement.sid)


def test_every_resource_is_named_but_on_the_reasoned_list(whole: Stack) -> None:
    open_ones = {
        (name, each.sid) for name, each in identity_policies(whole) if each.allows and "*" in each.resources
    }
    assert open_ones == EVERYTHING.keys()


def test_no_resource_ends_at_the_account(whole: Stack) -> None:
    for name, statement in identity_policies(whole):
        for resource in statement.resources if statement.allows else ():
            # The two that cannot name what does not exist yet are held by a condition, or by the VPC.
            assert not re.fullmatch(r"arn:aws:\w+:[^:]*:[^:]*:\*", resource), (name, statement.sid)


def test_nobody_outside_is_let_in(whole: Stack) -> None:
    for name, statement, principal in resource_policies(whole):
        if statement.allows:
            assert principal != "*", (name, statement.sid)
            assert "*" not in str(principal), (name, statement.sid)


def test_a_service_that_is_trusted_acts_for_this_account(whole: Stack) -> None:
    # EventBridge gives no condition keys to an encrypted topic and its key; the template says so.
    unconditional = {("DataKey", "EventBridgeReachesTopicAndQueue"), ("AlertsPolicy", "EventBridge")}
    for name, statement, principal in resource_policies(whole):
        if statement.allows and "Service" in principal and (name, statement.sid) not in unconditional:
            assert statement.conditions, (name, statement.sid)
    for name, properties in of_type(whole, "AWS::IAM::Role"):
        (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
        if trust["Principal"].get("Service") != "lambda.amazonaws.com":  # it sends no source account
            assert trust["Condition"], name


def test_everything_at_rest_is_under_our_key(whole: Stack) -> None:
    ours = "${DataKey.Arn}"
    for name, properties in of_type(whole, "AWS::S3::Bucket"):
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        # S3 delivers access logs to no bucket under a key of KMS.
        expected = (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": ours}
            if name != "LogBucket"
            else {"SSEAlgorithm": "AES256"}
        )
        assert rule["ServerSideEncryptionByDefault"] == expected
    keys = {
        "AWS::ECR::Repository": ("EncryptionConfiguration", "KmsKey"),
        "AWS::Lambda::Function": ("KmsKeyArn",),
        "AWS::Logs::LogGroup": ("KmsKeyId",),
        "AWS::SNS::Topic": ("KmsMasterKeyId",),
        "AWS::SQS::Queue": ("KmsMasterKeyId",),
        "AWS::Scheduler::Schedule": ("KmsKeyArn",),
    }
    for kind, path in keys.items():
        found = list(of_type(whole, kind))
        assert found
        for name, properties in found:
            value: Any = properties
            for key in path:
                value = value[key]
            assert value == ours, name


def test_buckets_are_versioned_closed_logged_and_spoken_to_over_tls(whole: Stack) -> None:
    for name, properties in of_type(whole, "AWS::S3::Bucket"):
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert any(
            "NoncurrentVersionExpiration" in each for each in properties["LifecycleConfiguration"]["Rules"]
        )
        assert "LoggingConfiguration" in properties or name == "LogBucket"
    closed = {
        name for name, each, _ in resource_policies(whole) if each.sid == "OnlyOverTls" and not each.allows
    }
    assert closed == {"DataBucketPolicy", "LogBucketPolicy", "AlertsPolicy", "DeadLettersPolicy"}


def test_only_what_must_outlives_the_stack(template: dict[str, Any]) -> None:
    for name, entry in template["Resources"].items():
        policies = {entry.get("DeletionPolicy"), entry.get("UpdateReplacePolicy")}
        assert policies == ({"Retain"} if name in RETAINED else {None}), name


def test_without_uploads_there_is_no_pipeline_no_function_and_no_vpc(
    template: dict[str, Any], whole: Stack
) -> None:
    bare = stack(template=template).resources
    missing = {entry["Type"] for name, entry in whole.resources.items() if name not in bare}
    assert missing == {
        *(
            "AWS::SageMaker::Pipeline",
            "AWS::Scheduler::Schedule",
            "AWS::SNS::Subscription",
            "AWS::CloudWatch::Alarm",
        ),
        *("AWS::Lambda::Function", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission"),
        *("AWS::Events::Rule", "AWS::IAM::ManagedPolicy"),
    }
    assert {"PipelineFailedRule", "CanaryMissingAlarm", "ModelDegradedComposite"} <= bare.keys()


# ---- Roles ----

BUCKET = "${DataBucket.Arn}/boomerang"
RUN = f"{BUCKET}/default/runs/abc"
JOBS = ["ProcessingRole", "TrainingRole", "EvaluateRole", "SigningRole", "CanaryRole"]
PIPELINE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/boomerang"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/boomerang/3"


def test_evaluate_alone_reads_the_secret(whole: Stack) -> None:
    readers = [
        role
        for role in [
            *JOBS,
            "PipelineRole",
            "CanaryPipelineRole",
            "ApproverRole",
            "RejectRole",
            "SchedulerRole",
        ]
        if allows(statements(whole, role), "s3:GetObject", f"{RUN}/Poison/secret/truth.json")
    ]
    assert readers == ["EvaluateRole"]


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("ProcessingRole", "s3:GetObject", f"{BUCKET}/inputs/ab/config.json", True),
        ("ProcessingRole", "s3:GetObject", f"{RUN}/Preprocess/train/x.npy", True),
        ("ProcessingRole", "s3:PutObject", f"{RUN}/Poison/secret/truth.json", True),
        ("ProcessingRole", "s3:PutObject", f"{RUN}/ScreenParts/parts/0", True),
        ("ProcessingRole", "s3:PutObject", f"{RUN}/Evaluate/evaluation/metrics.json", False),
        ("ProcessingRole", "s3:PutObject", f"{RUN}/TrainVictim/model/model.tar.gz", False),
        ("ProcessingRole", "s3:PutObject", f"{BUCKET}/inputs/ab/config.json", False),
        ("TrainingRole", "s3:GetObject", f"{RUN}/Poison/train/x.npy", True),
        ("TrainingRole", "s3:GetObject", f"{BUCKET}/inputs/given/ab/own.h5", True),
        ("TrainingRole", "s3:GetObject", f"{BUCKET}/inputs/ab/config.json", False),
        ("TrainingRole", "s3:PutObject", f"{BUCKET}/checkpoints/ab/ckpt", True),
        ("TrainingRole", "s3:PutObject", f"{RUN}/Harden/model/model.tar.gz", True),
        ("TrainingRole", "s3:PutObject", f"{RUN}/Poison/train/x.npy", False),
        ("EvaluateRole", "s3:PutObject", f"{RUN}/Evaluate/evaluation/metrics.json", True),
        ("EvaluateRole", "s3:PutObject", f"{RUN}/Harden/model/model.tar.gz", False),
        ("CanaryRole", "s3:PutObject", f"{RUN}/Harden/model/model.tar.gz", False),
        ("CanaryRole", "sagemaker:UpdateModelPackage", PACKAGE, False),
        ("SigningRole", "s3:PutObject", f"{RUN}/SignPoison/train/signature.json", True),
        ("SigningRole", "s3:PutObject", f"{RUN}/SignCandidate/evaluation/probes/0/signature.json", True),
        ("SigningRole", "s3:PutObject", f"{RUN}/SignPoison/train/x.npy", False),
        ("SigningRole", "s3:PutObject", f"{RUN}/Poison/train/signature.json", False),
        ("TrainingRole", "s3:GetObject", f"{RUN}/SignPoison/train/signature.json", True),
        ("TrainingRole", "s3:PutObject", f"{RUN}/SignPoison/train/signature.json", False),
        ("ProcessingRole", "s3:PutObject", f"{RUN}/SignPoison/train/signature.json", False),
        ("EvaluateRole", "s3:PutObject", f"{RUN}/SignCandidate/evaluation/signature.json", False),
        ("TrainingRole", "s3:GetObject", f"{RUN}/Evaluate/evaluation/probes/0/x.npy", False),
        ("ProcessingRole", "s3:GetObject", f"{RUN}/Evaluate/evaluation/probes/0/x.npy", False),
        ("CanaryRole", "s3:GetObject", f"{RUN}/Evaluate/evaluation/probes/0/x.npy", True),
        ("SigningRole", "s3:PutObject", f"{RUN}/Harden/model/model.tar.gz", False),
        ("ApproverRole", "s3:GetObject", f"{RUN}/Evaluate/evaluation/report.html", True),
        ("ApproverRole", "s3:PutObject", f"{RUN}/Evaluate/evaluation/metrics.json", False),
        ("SchedulerRole", "sagemaker:StartPipelineExecution", f"{PIPELINE}-canary", True),
        ("SchedulerRole", "sagemaker:StartPipelineExecution", PIPELINE, False),
    ],
)  # fmt: skip
def test_a_job_reaches_its_own_place(
    whole: Stack, role: str, action: str, resource: str, allowed: bool
) -> None:
    assert allows(statements(whole, role), action, resource) is allowed


PERSON = "arn:aws:iam::123456789012:role/admin"
ONCE = {"s3:if-none-match": "*"}


def bucket_refuses(
    whole: Stack, who: str, action: str, resource: str, context: Mapping[str, str]
) -> set[str]:
    """Return the sids of the bucket's statements that refuse such a call, whatever IAM allows."""
    asked = {"aws:SecureTransport": "true", "aws:PrincipalArn": who, **context}
    return {
        each.sid
        for name, each, _ in resource_policies(whole)
        if name == "DataBucketPolicy" and not each.allows and each.covers(action, resource, asked)
    }


@pytest.mark.parametrize(
    ("who", "action", "resource", "context", "refused"),
    [
        # The model of a package, and the numbers that it was approved by.
        ("${TrainingRole.Arn}", "s3:PutObject", f"{RUN}/Harden/model/j/output/model.tar.gz", {}, False),
        ("${TrainingRole.Arn}", "s3:PutObject", f"{RUN}/TrainVictim/model/j/output/model.tar.gz", {}, False),
        ("${ProcessingRole.Arn}", "s3:PutObject", f"{RUN}/Harden/model/j/output/model.tar.gz", {}, True),
        ("${EvaluateRole.Arn}", "s3:PutObject", f"{RUN}/Harden/model/j/output/model.tar.gz", {}, True),
        (PERSON, "s3:PutObject", f"{RUN}/Harden/model/j/output/model.tar.gz", ONCE, True),
        (PERSON, "s3:DeleteObject", f"{RUN}/Harden/model/j/output/model.tar.gz", {}, True),
        (PERSON, "s3:DeleteObjectVersion", f"{RUN}/TrainVictim/model/j/output/model.tar.gz", {}, True),
        (PERSON, "s3:GetObject", f"{RUN}/Harden/model/j/output/model.tar.gz", {}, False),
        ("${EvaluateRole.Arn}", "s3:PutObject", f"{RUN}/Evaluate/evaluation/metrics.json", {}, False),
        ("${EvaluateRole.Arn}", "s3:PutObject", f"{RUN}/EvaluateParts/parts/0", {}, False),
        (PERSON, "s3:PutObject", f"{RUN}/Evaluate/evaluation/metrics.json", ONCE, True),
        # A pattern of IAM runs over slashes: the role's own would let it write here.
        ("${TrainingRole.Arn}", "s3:PutObject", f"{BUCKET}/c/runs/e/Evaluate/runs/e/TrainVictim/x", {}, True),
        ("${ProcessingRole.Arn}", "s3:PutObject", f"{RUN}/Poison/train/x.npy", {}, False),
        ("${SigningRole.Arn}", "s3:PutObject", f"{RUN}/SignPoison/train/signature.json", {}, False),
        (PERSON, "s3:PutObject", f"{RUN}/SignPoison/train/signature.json", {}, True),
        ("${CanaryRole.Arn}", "s3:PutObject", f"{BUCKET}/canary/e/metrics/data.jsonl", {}, False),
        # What was registered.
        ("${RejectRole.Arn}", "s3:PutObject", f"{BUCKET}/registered/boomerang/3.json", ONCE, False),
        ("${RejectRole.Arn}", "s3:PutObject", f"{BUCKET}/registered/boomerang/3.json", {}, True),
        ("${ApproverRole.Arn}", "s3:PutObject", f"{BUCKET}/registered/boomerang/3.json", ONCE, True),
        (PERSON, "s3:DeleteObject", f"{BUCKET}/registered/boomerang/3.json", {}, True),
        # What deploy uploads.
        *(
            (PERSON, "s3:PutObject", f"{BUCKET}/{folder}/{'ab' * 32}", context, not context)
            for folder in ("inputs", "definitions", "code")
            for context in ({}, ONCE)
        ),
        ("${TrainingRole.Arn}", "s3:PutObject", f"{BUCKET}/checkpoints/ab/ckpt", {}, False),
    ],
)  # fmt: skip
def test_the_bucket_says_who_writes_what(
    whole: Stack, who: str, action: str, resource: str, context: dict[str, str], refused: bool
) -> None:
    assert bool(bucket_refuses(whole, who, action, resource, context)) is refused


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, set()),  # the bucket's own key is taken
        ({"": "aws:kms"}, set()),
        ({"": "aws:kms", "-aws-kms-key-id": "${DataKey.Arn}"}, set()),
        ({"": "aws:kms", "-aws-kms-key-id": "another"}, {"OnlyUnderOurKey"}),
        ({"": "AES256"}, {"NoOtherEncryption"}),
    ],
)
def test_the_bucket_takes_nothing_under_another_key(
    whole: Stack, headers: dict[str, str], refused: set[str]
) -> None:
    context = {f"s3:x-amz-server-side-encryption{name}": value for name, value in headers.items()}
    found = bucket_refuses(
        whole, "${TrainingRole.Arn}", "s3:PutObject", f"{BUCKET}/checkpoints/ab/c", context
    )
    assert found == refused


@pytest.mark.parametrize("role", JOBS)
def test_a_job_gives_grants_of_the_key_to_aws_alone(whole: Stack, role: str) -> None:
    granted = statements(whole, role)
    for_aws = {"kms:GrantIsForAWSResource": "true"}
    assert allows(granted, "kms:CreateGrant", "${DataKey.Arn}", for_aws)
    for other in ({}, {"kms:GrantIsForAWSResource": "false"}):
        assert not allows(granted, "kms:CreateGrant", "${DataKey.Arn}", other)


def test_no_policy_of_a_key_lets_anybody_give_grants_to_others(whole: Stack) -> None:
    wide = [
        (name, each.sid)
        for name, each, _ in [*resource_policies(whole), *((n, s, "") for n, s in identity_policies(whole))]
        if each.allows
        and "kms:CreateGrant" in each.actions
        and each.conditions != {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    ]
    assert wide == []


@pytest.mark.parametrize("role", JOBS)
def test_a_job_finds_image_logs_keys_and_network(whole: Stack, role: str) -> None:
    granted = statements(whole, role)
    logs = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:log-stream:x/algo-1"
    assert allows(granted, "ecr:BatchGetImage", "${Repository.Arn}")
    assert allows(granted, "logs:PutLogEvents", logs)
    assert allows(granted, "kms:GenerateDataKey", "${DataKey.Arn}")
    assert allows(granted, "s3:ListBucket", "${DataBucket.Arn}", {"s3:prefix": "boomerang/inputs"})
    assert not allows(granted, "s3:ListBucket", "${DataBucket.Arn}", {"s3:prefix": "else/where"})
    assert not allows(granted, "s3:ListBucket", "${DataBucket.Arn}")
    assert allows(granted, "ec2:DescribeSubnets", "*")
    outside = {"ec2:Vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2"}
    subnet = "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-9"
    assert not allows(granted, "ec2:CreateNetworkInterface", subnet, outside)


@pytest.mark.parametrize(
    "role",
    ["ProcessingRole", "TrainingRole", "EvaluateRole", "PipelineRole", "CanaryPipelineRole", "SchedulerRole"],
)
def test_what_only_aws_uses_grants_what_aws_documents(whole: Stack, role: str) -> None:
    granted = statements(whole, role)
    assert unused(granted, [], role) == set()
    assert granted_actions(granted) == SERVICE_NEEDS[role].keys()


@pytest.mark.parametrize("role", ["SigningRole", "CanaryRole"])
def test_a_job_with_a_network_grants_more_for_its_own_calls_alone(whole: Stack, role: str) -> None:
    # Recorded where the code is tested that makes them; here it is held that nothing else has come in.
    own = {
        "SigningRole": [Call("kms", "GetPublicKey")],  # kms:Sign is allowed by the key
        "CanaryRole": [
            *(Call("kms", "GetPublicKey"), Call("cloudwatch", "PutMetricData")),
            *(Call("sagemaker", "ListModelPackages"), Call("sagemaker", "DescribeModelPackage")),
        ],
    }
    assert unused(statements(whole, role), own[role], role) == set()


def test_metrics_go_to_the_watched_namespace_only(whole: Stack) -> None:
    call = Call("cloudwatch", "PutMetricData", {"Namespace": NAMESPACE})
    canary = statements(whole, "CanaryRole")
    assert allows(canary, *call.actions, "*", call.context)
    assert not allows(canary, *call.actions, "*", {"cloudwatch:namespace": "AWS/EC2"})
    assert not allows(statements(whole, "TrainingRole"), *call.actions, "*", call.context)


@pytest.mark.parametrize(
    ("role", "action", "status", "allowed"),
    [
        ("PipelineRole", "sagemaker:CreateModelPackage", "PendingManualApproval", True),
        ("PipelineRole", "sagemaker:CreateModelPackage", "Rejected", True),
        ("PipelineRole", "sagemaker:CreateModelPackage", "Approved", False),
        ("PipelineRole", "sagemaker:UpdateModelPackage", "Approved", False),
        ("ApproverRole", "sagemaker:UpdateModelPackage", "Approved", True),
        ("ApproverRole", "sagemaker:UpdateModelPackage", "Rejected", True),
        ("ApproverRole", "sagemaker:CreateModelPackage", "Approved", False),
        ("CanaryPipelineRole", "sagemaker:CreateModelPackage", "Rejected", False),
    ],
)
def test_a_person_approves_and_the_pipeline_does_not(
    whole: Stack, role: str, action: str, status: str, allowed: bool
) -> None:
    context = {"sagemaker:ModelApprovalStatus": status}
    assert allows(statements(whole, role), action, PACKAGE, context) is allowed


def test_no_candidate_is_registered_as_one_that_left_service(whole: Stack) -> None:
    context = {"sagemaker:ModelApprovalStatus": "Rejected"}
    late = {"sagemaker:CustomerMetadataProperties/RejectedAt": "2999-01-01T00:00:00+00:00"}
    assert not allows(
        statements(whole, "PipelineRole"), "sagemaker:CreateModelPackage", PACKAGE, context | late
    )


def test_a_pipeline_starts_isolated_jobs_in_its_vpc_only(whole: Stack, template: dict[str, Any]) -> None:
    job = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-TrainVictim-x"
    good = {
        "sagemaker:NetworkIsolation": "true",
        "sagemaker:OutputKmsKey": "${DataKey.Arn}",
        "sagemaker:VpcSubnets": ["subnet-1"],
        "sagemaker:VpcSecurityGroupIds": ["sg-1"],
    }
    granted = statements(whole, "PipelineRole")
    assert allows(granted, "sagemaker:CreateTrainingJob", job, good)
    for key, value in {
        "sagemaker:NetworkIsolation": "false",
        "sagemaker:OutputKmsKey": "arn:aws:kms:us-east-1:999999999999:key/other",
        "sagemaker:VpcSubnets": ["subnet-1", "subnet-9"],
        "sagemaker:VpcSecurityGroupIds": ["sg-9"],
    }.items():
        assert not allows(granted, "sagemaker:CreateTrainingJob", job, good | {key: value}), key
        without = {name: each for name, each in good.items() if name != key}
        assert allows(granted, "sagemaker:CreateTrainingJob", job, without) is (
            key == "sagemaker:VpcSecurityGroupIds"
        )
    anywhere = {key: good[key] for key in ("sagemaker:NetworkIsolation", "sagemaker:OutputKmsKey")}
    assert allows(
        statements(stack(KEYS, template=template), "PipelineRole"),
        "sagemaker:CreateTrainingJob",
        job,
        anywhere,
    )


def test_a_job_with_a_network_is_one_that_signs(whole: Stack) -> None:
    jobs = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc"
    context = {"sagemaker:OutputKmsKey": "${DataKey.Arn}", "sagemaker:VpcSubnets": ["subnet-1"]}
    context |= {"sagemaker:VpcSecurityGroupIds": ["sg-1"], "sagemaker:NetworkIsolation": "false"}
    granted = statements(whole, "PipelineRole")
    assert allows(granted, "sagemaker:CreateProcessingJob", f"{jobs}-signpoison-x", context)
    for name in ("screen-x", "evaluate-x", "design-x"):
        assert not allows(granted, "sagemaker:CreateProcessingJob", f"{jobs}-{name}", context), name
    other = context | {"sagemaker:OutputKmsKey": "another"}
    assert not allows(granted, "sagemaker:CreateProcessingJob", f"{jobs}-signpoison-x", other)


def test_one_role_signs_and_no_iam_policy_can_let_another(whole: Stack) -> None:
    granting = [
        (each.sid, principal)
        for name, each, principal in resource_policies(whole)
        if name == "SigningKey" and "kms:Sign" in each.actions
    ]
    assert granting == [("OneRoleSigns", {"AWS": "${SigningRole.Arn}"})]
    key = whole.resources["SigningKey"]["Properties"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert not any("kms:Sign" in each.actions for _, each in identity_policies(whole))


# ---- The watch ----


def test_the_alarms_keep_to_the_rules_of_the_watch(whole: Stack) -> None:
    assert [str(finding) for finding in check_alarms(whole.resources)] == []


def test_an_alarm_on_a_metric_that_nobody_publishes_is_found(whole: Stack) -> None:
    wrong = copy.deepcopy(whole.resources)
    wrong["AttackAlarm"]["Properties"]["MetricName"] = "AttackRate"
    assert any("AttackRate" in str(finding) for finding in check_alarms(wrong))


@pytest.mark.parametrize("period", ["3600", "21600", "86400"])
def test_every_choice_of_period_stays_in_cloudwatchs_range(template: dict[str, Any], period: str) -> None:
    values = {"AlarmPeriodSeconds": period, "AlarmEvaluationPeriods": "7", "AlarmDatapoints": "7"}
    assert check_alarms(stack(values, template=template).resources) == []


def test_the_function_watches_the_composite_alarm_of_its_group(template: dict[str, Any]) -> None:
    made = stack(KEYS | {"PackageGroup": "planes", "ProjectName": "range"}, template=template).resources
    variables = made["RejectFunction"]["Properties"]["Environment"]["Variables"]
    name = made["ModelDegradedComposite"]["Properties"]["AlarmName"]
    assert "planes" in name
    assert variables["ALARM_NAME"] == name
    assert variables["PACKAGE_GROUP"] == "planes"
    assert made["ModelDegradedRule"]["Properties"]["EventPattern"]["detail"]["alarmName"] == [name]
    assert variables["CANARY_PIPELINE"] == made["CanaryPipeline"]["Properties"]["PipelineName"]


def test_people_hear_of_every_alarm(whole: Stack) -> None:
    judged = {"AccuracyFloorAlarm", "AccuracyDropAlarm", "AttackAlarm"}  # the composite speaks for them
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for name, properties in of_type(whole, kind):
            assert properties.get("AlarmActions") == (None if name in judged else ["${Alerts}"]), name


def test_an_event_that_is_given_up_is_kept(whole: Stack) -> None:
    for name, properties in of_type(whole, "AWS::Events::Rule"):
        for target in properties["Targets"]:
            assert target["DeadLetterConfig"] == {"Arn": "${DeadLetters.Arn}"}, name
            assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600, name
    ((_, timer),) = of_type(whole, "AWS::Scheduler::Schedule")
    assert timer["Target"]["DeadLetterConfig"] == {"Arn": "${DeadLetters.Arn}"}


# ---- moto ----


def deploy(client: Any, name: str, parameters: Mapping[str, str], *, update: bool = False) -> dict[str, str]:
    """Make or change the stack and return its outputs; an unnamed warning is an error."""
    act = client.update_stack if update else client.create_stack
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in SKIPPED_BY_MOTO:
            warnings.filterwarnings("ignore", message=f"Tried to parse {kind} but", category=UserWarning)
        act(
            StackName=name,
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
    (made,) = client.describe_stacks(StackName=name)["Stacks"]
    assert made["StackStatus"] == ("UPDATE_COMPLETE" if update else "CREATE_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}


def zipped() -> bytes:
    """Return the function's code as it is uploaded."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", (ROOT / "aws" / "reject" / "handler.py").read_text())
    return buffer.getvalue()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """A session with moto behind it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


def test_it_deploys_in_two_goes(session: boto3.Session) -> None:
    formation, functions = session.client("cloudformation"), session.client("lambda")
    first = deploy(formation, "boomerang", {})
    assert functions.list_functions()["Functions"] == []
    session.client("s3").put_object(Bucket=first["DataBucketName"], Key="code/reject.zip", Body=zipped())
    second = deploy(formation, "boomerang", {"RejectCodeS3Key": "code/reject.zip"}, update=True)
    assert second == first
    (function,) = functions.list_functions()["Functions"]
    assert function["FunctionName"] == "boomerang-reject"
    assert function["Environment"]["Variables"]["TOPIC_ARN"] == first["AlertsTopicArn"]


def test_it_deploys_whole_and_deletes(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    # An update of moto's adds no resource whose condition has come to hold; so all in one go, code unseen.
    monkeypatch.setenv("VALIDATE_LAMBDA_S3", "false")
    formation, events = session.client("cloudformation"), session.client("events")
    outputs = deploy(formation, "boomerang", KEYS | VPC)
    rules = {rule["Name"]: json.loads(rule["EventPattern"]) for rule in events.list_rules()["Rules"]}
    assert rules.keys() == {
        f"boomerang-{name}"
        for name in ("model-degraded", "canary-succeeded", "package-changed", "pipeline-failed")
    }
    assert rules["boomerang-model-degraded"]["detail"]["state"] == {"value": ["ALARM"]}
    (target,) = events.list_targets_by_rule(Rule="boomerang-pipeline-failed")["Targets"]
    assert target["Arn"] == outputs["AlertsTopicArn"]
    formation.delete_stack(StackName="boomerang")
    assert session.client("lambda").list_functions()["Functions"] == []
    assert session.client("iam").list_roles()["Roles"] == []
    assert events.list_rules()["Rules"] == []


# ---- The reader of the template ----


def test_a_template_with_an_unknown_function_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("Parameters: {}\nResources: {A: {Type: T, Properties: {X: !Cidr [a, 1, 2]}}}")
    with pytest.raises(BadInput, match="Fn::Cidr"):
        _ = stack(template=load_template(path)).resources


@pytest.mark.parametrize("text", ["a: [", "[]", "Parameters: {}", ""])
def test_what_is_no_template_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=re.escape(str(path))):
        load_template(path)


def test_an_unknown_parameter_reference_or_role_names_the_nearest(
    template: dict[str, Any], whole: Stack
) -> None:
    with pytest.raises(UsageError, match="did you mean 'MaxDrop'"):
        stack({"MaxDrops": "1"}, template=template)
    with pytest.raises(BadInput, match="did you mean 'DataKey'"):
        whole.resolve({"Ref": "DataKeys"})
    with pytest.raises(UsageError, match="did you mean 'RejectRole'"):
        statements(whole, "RejectRoles")


def test_an_unknown_condition_operator_is_never_a_yes() -> None:
    statement = read_statement(
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "*",
            "Condition": {"DateLessThan": {"k": "v"}},
        }
    )
    with pytest.raises(BadInput, match="DateLessThan"):
        allows([statement], "s3:GetObject", "x", {"k": "v"})


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("StringEquals", None, False),
        ("StringEquals", "a", True),
        ("StringEquals", "c", False),
        ("StringEqualsIfExists", None, True),
        ("StringNotEquals", None, True),
        ("StringNotEquals", "a", False),
        ("StringLike", "c", False),
        ("ForAnyValue:StringEquals", ["c", "a"], True),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", None, True),
        ("ForAnyValue:StringNotEquals", ["a"], False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", None, False),
        ("Bool", "a", True),
        ("ArnLike", "b", True),
    ],
)
def test_conditions_hold_as_iam_documents_them(operator: str, given: Any, expected: bool) -> None:
    content = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {operator: {"k": ["a", "b"]}},
    }
    context = {} if given is None else {"k": given}
    assert allows([read_statement(content)], "s3:GetObject", "x", context) is expected


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [("true", None, True), ("true", "a", False), ("false", "a", True), ("false", None, False)],
)
def test_null_asks_whether_there_is_a_value(wanted: str, given: str | None, expected: bool) -> None:
    content = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"Null": {"k": wanted}},
    }
    assert (
        allows([read_statement(content)], "s3:GetObject", "x", {} if given is None else {"k": given})
        is expected
    )


def test_every_operation_with_a_name_of_its_own_exists() -> None:
    import botocore.session

    from aws.stack.policy import _ACTIONS

    for service, operation in _ACTIONS:
        assert operation in botocore.session.get_session().get_service_model(service).operation_names
