"""`destroy`: what goes with the stack, what stays and why, and how that is deleted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aws.account import Account
from aws.stack.live import Deployed, Say, delete, find, wait
from boomerang.errors import AwsError
from pipelines.cloud.deployed import effective


@dataclass(frozen=True)
class Kept:
    """Something that outlives the stack: why, and how it is deleted by hand. `{}` is its name."""

    why: str
    by_hand: str


# In the order in which they are deleted by hand: the key last, for what is under it.
KEPT: Mapping[str, Kept] = {
    "ModelPackages": Kept(
        "which models were approved, by what numbers; SageMaker deletes no group with packages in it",
        "delete its packages (aws sagemaker delete-model-package), then: "
        "aws sagemaker delete-model-package-group --model-package-group-name {}",
    ),
    "DataBucket": Kept(
        "the data, the models and their lineage",
        "empty it with all versions (S3 console, Empty), then: aws s3api delete-bucket --bucket {}",
    ),
    "LogBucket": Kept(
        "S3 deletes no bucket that holds something; it empties itself within a year",
        "empty it with all versions (S3 console, Empty), then: aws s3api delete-bucket --bucket {}",
    ),
    "SigningKey": Kept(
        "the one way to show again that a signature is ours",
        "aws kms schedule-key-deletion --key-id {}",
    ),
    "DataKey": Kept(
        "without it the bucket is unreadable, for ever",
        "aws kms schedule-key-deletion --key-id {}",
    ),
}
# The output of the stack that says what a kept resource is called.
_OUTPUTS = {
    "ModelPackages": "PackageGroupName",
    "DataBucket": "DataBucketName",
    "LogBucket": "LogBucketName",
    "SigningKey": "SigningKeyArn",
    "DataKey": "DataKeyArn",
}
# How many of the newest executions are looked at.
_LOOKED_AT = 20


@dataclass(frozen=True)
class Plan:
    """What destroying a stack means.

    Attributes
    ----------
    stack : Deployed
    goes : mapping of resource type to number
    stays : mapping of logical id to name
    """

    stack: Deployed
    goes: Mapping[str, int]
    stays: Mapping[str, str]


def plan(account: Account, project: str, template: Mapping[str, Any], say: Say) -> Plan | None:
    """Return what goes and what stays, or None where there is no stack.

    Raises
    ------
    AwsError
        If an execution of its pipelines goes on: SageMaker would not delete them.
    """
    stack = find(account, project)
    if stack is not None and stack.is_busy and stack.status != "DELETE_IN_PROGRESS":
        stack = wait(account, stack.id, say)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return None
    _check_idle(account, project)
    resources = effective(template, stack, {}).resources if stack.is_made else {}
    goes: dict[str, int] = {}
    for entry in (each for each in resources.values() if each.get("DeletionPolicy") != "Retain"):
        goes[entry["Type"]] = goes.get(entry["Type"], 0) + 1
    there = [name for name in KEPT if name in resources and _OUTPUTS[name] in stack.outputs]
    return Plan(stack, goes, {name: stack.outputs[_OUTPUTS[name]] for name in there})


def _check_idle(account: Account, project: str) -> None:
    for pipeline in (project, f"{project}-canary"):
        for each in islice(account.executions(pipeline), _LOOKED_AT):
            if each["PipelineExecutionStatus"] in {"Executing", "Stopping"}:
                arn = each["PipelineExecutionArn"]
                do = f"aws sagemaker stop-pipeline-execution --pipeline-execution-arn {arn}, or wait for it"
                raise AwsError(f"pipeline {pipeline}", "an execution of it goes on", do)


def destroy(account: Account, made: Plan, say: Say, *, role: str | None = None) -> None:
    """Delete the dashboard, then the stack.

    Raises
    ------
    AwsError
        If something of it could not be deleted, naming it.
    """
    if account.delete_dashboard(made.stack.name):
        say(f"dashboard {made.stack.name}: deleted")
    delete(account, made.stack, say, role=role)
