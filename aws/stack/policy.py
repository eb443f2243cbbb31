"""May role R call action A on resource X? Asked of the template's statements, and of calls that were made.

    allowed by the role      every call that our code makes, recorded while it really runs
    needed by somebody       every action that the role grants: by a recorded call, or by what AWS does
                             with the role on our behalf (`SERVICE_NEEDS`, each with its source)

IAM's own logic is followed as far as the template uses it: an Allow is needed, a Deny wins, every
condition has to hold. A condition operator that is not known here is an error, never a yes.
Source: IAM User Guide, "Condition operators" and "Set operators for multi-valued context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aws.stack.intrinsics import Stack
from boomerang.errors import BadInput, UsageError, nearest

Context = Mapping[str, str | Sequence[str]]

# Where IAM calls a service, or an operation of it, by another name than botocore does.
_PREFIXES = {"awslambda": "lambda", "stepfunctions": "states"}
_ACTIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("lambda", "Invoke"): ("lambda:InvokeFunction",),
    ("s3", "AbortMultipartUpload"): ("s3:AbortMultipartUpload",),
    ("s3", "CompleteMultipartUpload"): ("s3:PutObject",),
    ("s3", "CopyObject"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "CreateMultipartUpload"): ("s3:PutObject",),
    ("s3", "DeleteObjects"): ("s3:DeleteObject",),
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "ListBuckets"): ("s3:ListAllMyBuckets",),
    ("s3", "ListObjectVersions"): ("s3:ListBucketVersions",),
    ("s3", "ListObjects"): ("s3:ListBucket",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("s3", "UploadPart"): ("s3:PutObject",),
}
# The parameter that becomes a condition key of the call.
_KEYS = {
    ("sagemaker", "ModelApprovalStatus"): "sagemaker:ModelApprovalStatus",
    ("cloudwatch", "Namespace"): "cloudwatch:namespace",
    ("kms", "SigningAlgorithm"): "kms:SigningAlgorithm",
    ("s3", "Prefix"): "s3:prefix",
    ("s3", "IfNoneMatch"): "s3:if-none-match",
}

_JOB = dict.fromkeys(
    (
        *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"),
        *("ecr:GetDownloadUrlForLayer", "logs:CreateLogGroup", "logs:CreateLogStream"),
        *("logs:DescribeLogStreams", "logs:PutLogEvents", "cloudwatch:PutMetricData", "kms:CreateGrant"),
        *(
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
        ),
    ),
    "SageMaker Developer Guide, execution roles: image, logs, metrics, disks, input and output of a job",
) | dict.fromkeys(
    (
        *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
        *("ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"),
        *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    ),
    "the same, jobs in a VPC",
)
_PIPELINE = dict.fromkeys(
    (
        *("sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"),
        *("sagemaker:AddTags", "iam:PassRole"),
    ),
    "SageMaker Developer Guide, IAM access management of pipelines: each kind of job, its role, its tags",
)

# What AWS itself does with a role, and where it says so. Jobs without a network make no call of their
# own, so theirs is all here; a role that is not here has to explain every action by a recorded call.
SERVICE_NEEDS: Mapping[str, Mapping[str, str]] = {
    "ProcessingRole": _JOB,
    "TrainingRole": _JOB,
    "EvaluateRole": _JOB,
    "SigningRole": _JOB,
    "CanaryRole": _JOB,
    "CanaryPipelineRole": _PIPELINE,
    "PipelineRole": _PIPELINE
    | {
        "sagemaker:CreateTrainingJob": "the same",
        "sagemaker:DescribeTrainingJob": "the same",
        "sagemaker:StopTrainingJob": "the same",
        "sagemaker:CreateModelPackage": "the same, for the step that registers",
        "sagemaker:AddAssociation": "API Reference, AddAssociation: for the lineage step",
        "sagemaker:CreateAction": "API Reference, CreateAction: for the lineage step",
        "sagemaker:CreateArtifact": "API Reference, CreateArtifact: for the lineage step",
        "s3:GetObject": "the same, for JsonGet",
        "kms:Decrypt": "S3 User Guide, SSE-KMS: asked of who reads",
    },
    "RejectRole": {
        "logs:CreateLogStream": "Lambda Developer Guide, execution role: sends the function's logs",
        "logs:PutLogEvents": "the same",
        "sqs:SendMessage": "Lambda Developer Guide, dead-letter queues: uses the execution role",
        "kms:Decrypt": "SNS and SQS Developer Guides, encryption: asked of who sends; also the environment",
        "kms:GenerateDataKey": "SNS and SQS Developer Guides, encryption: asked of who sends",
        "s3:ListBucket": "S3 API Reference, GetObject: without it what is not there is answered with 403",
    },
    "SchedulerRole": {
        "sagemaker:StartPipelineExecution": "EventBridge Scheduler User Guide, templated targets",
        "sqs:SendMessage": "EventBridge Scheduler User Guide, dead-letter queues",
        "kms:Decrypt": "EventBridge Scheduler User Guide, encryption; SQS, encryption: asked of who sends",
        "kms:GenerateDataKey": "SQS Developer Guide, encryption: asked of who sends",
    },
}


@dataclass(frozen=True)
class Statement:
    """One statement of an IAM policy, resolved."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def covers(self, action: str, resource: str, context: Context) -> bool:
        """Whether the statement is about such a call."""
        return (
            any(_like(action.lower(), each.lower()) for each in self.actions)
            and any(_like(resource, each) for each in self.resources)
            and all(
                _holds(operator, context.get(key), _list(wanted))
                for operator, keys in self.conditions.items()
                for key, wanted in keys.items()
            )
        )


@dataclass(frozen=True)
class Call:
    """One call to AWS: botocore's names of service and operation, and what it was given."""

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that it needs."""
        prefix = _PREFIXES.get(self.service, self.service)
        return _ACTIONS.get((self.service, self.operation), (f"{prefix}:{self.operation}",))

    @property
    def context(self) -> dict[str, str]:
        """The condition keys that its parameters give."""
        given = {key: self.parameters.get(name) for (of, name), key in _KEYS.items() if of == self.service}
        return {key: str(value) for key, value in given.items() if value is not None}


def statements(stack: Stack, role: str) -> tuple[Statement, ...]:
    """Return what a role or managed policy of the template grants and denies, attached policies included.

    Raises
    ------
    UsageError
        If the template makes no such role or policy.
    """
    roles = {name for name, each in stack.resources.items() if each["Type"].startswith("AWS::IAM::")}
    if role not in roles:
        raise UsageError(f"role '{role}'", "the stack has none of this name", nearest(role, roles))
    properties = stack.resources[role]["Properties"]
    documents = [each["PolicyDocument"] for each in properties.get("Policies", ())]
    documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    own = [read_statement(each) for document in documents for each in document["Statement"]]
    attached = (name[2:-1] for name in properties.get("ManagedPolicyArns", ()) if name.startswith("${"))
    return (*own, *(each for name in attached for each in statements(stack, name)))


def read_statement(content: Mapping[str, Any]) -> Statement:
    """Return a statement of a policy document."""
    return Statement(
        sid=content.get("Sid", ""),
        allows=content["Effect"] == "Allow",
        actions=tuple(_list(content["Action"])),
        resources=tuple(_list(content.get("Resource", ()))),
        conditions=content.get("Condition", {}),
    )


def allows(granted: Sequence[Statement], action: str, resource: str, context: Context | None = None) -> bool:
    """Whether the statements allow a call.

    Parameters
    ----------
    granted : sequence of Statement
        From `statements`.
    action : str
        For example `s3:GetObject`.
    resource : str
        ARN of what it is about; `*` where the action knows no resources.
    context : mapping of str to str or list of str
        The request's condition keys.
    """
    about = [each for each in granted if each.covers(action, resource, context or {})]
    return bool(about) and all(each.allows for each in about)


def granted_actions(granted: Sequence[Statement]) -> set[str]:
    """Return every action that some statement allows."""
    return {action for each in granted if each.allows for action in each.actions}


def refused(granted: Sequence[Statement], calls: Sequence[Call], resources: Mapping[str, str]) -> list[str]:
    """Return the recorded calls that the statements do not allow, one sentence each.

    Parameters
    ----------
    resources : mapping of action to ARN
        What each action was called on; `*` for one that is not named.
    """
    return [
        f"{action} on {resources.get(action, '*')} with {call.context} is not allowed"
        for call in calls
        for action in call.actions
        if not allows(granted, action, resources.get(action, "*"), call.context)
    ]


def unused(granted: Sequence[Statement], calls: Sequence[Call], role: str) -> set[str]:
    """Return the granted actions that no recorded call and no service needs."""
    needed = {action for call in calls for action in call.actions}
    return granted_actions(granted) - needed - set(SERVICE_NEEDS.get(role, {}))


@contextmanager
def recording(session: Any) -> Iterator[list[Call]]:
    """Record every call of the clients that a boto3 session makes while the block runs.

    Parameters
    ----------
    session : boto3.Session
        Clients that it made before are not heard.
    """
    calls: list[Call] = []

    def hear(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        calls.append(Call(model.service_model.service_name, model.name, dict(params)))

    session.events.register("before-parameter-build", hear)
    try:
        yield calls
    finally:
        session.events.unregister("before-parameter-build", hear)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _like(text: str, pattern: str) -> bool:
    """IAM's wildcards: `*` and `?` and nothing else; a bracket stands for itself."""
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _holds(operator: str, given: Any, wanted: Sequence[Any]) -> bool:
    """Whether a condition holds for the values that the request has of its key."""
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return (given is None) == (str(wanted[0]).lower() == "true")
    if given is None:
        # What is not there differs from everything; a set of no values has all of its members, and not any.
        return {"": "Not" in name or rest != name, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    compare = _compare(name)
    found = [compare(str(value), [str(each) for each in wanted]) for value in _list(given)]
    return all(found) if quantifier == "ForAllValues" else any(found)


def _compare(name: str) -> Any:
    match name:
        case "StringEquals" | "Bool":
            return lambda value, wanted: value in wanted
        case "StringNotEquals":
            return lambda value, wanted: value not in wanted
        case "StringLike" | "ArnEquals" | "ArnLike":
            return lambda value, wanted: any(_like(value, each) for each in wanted)
        case "ArnNotEquals":
            return lambda value, wanted: not any(_like(value, each) for each in wanted)
    raise BadInput(f"condition operator '{name}'", "it is not known here", "add it to aws/stack/policy.py")
