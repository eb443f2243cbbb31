"""Change sets: made, shown, and executed.

A change set is made first and shown, and nothing is changed before it is executed. Each has a name of its
own. One that an interrupted deploy left behind does no harm: CloudFormation deletes all change sets of a
stack when one of them is executed. Source: CloudFormation User Guide, "Executing a change set".
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from aws.account import Account, Answer
from aws.stack.intrinsics import MAX_TEMPLATE_BYTES, TEMPLATE
from aws.stack.live import POLL_S, Deployed, Say, failures, wait
from boomerang.errors import AwsError, BadInput

# What is in these is gone with them.
STATEFUL = {
    "AWS::ECR::Repository": "its images",
    "AWS::KMS::Key": "everything that it encrypted or signed",
    "AWS::Logs::LogGroup": "its logs",
    "AWS::S3::Bucket": "its objects",
    "AWS::SQS::Queue": "its messages",
    "AWS::SageMaker::ModelPackageGroup": "its packages",
}

_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
# How CloudFormation says that a change set is empty; it has no code for it.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """One resource that a change set adds, changes or removes."""

    resource: str
    type: str
    action: str
    replacement: str = ""
    policy: str = ""

    @property
    def loses(self) -> str:
        """What may be lost by it, or empty."""
        keeps = self.policy.startswith("Retain") or self.policy.endswith("Retain")
        if self.action != "Remove" and self.replacement not in {"True", "Conditional"}:
            return ""
        lost = STATEFUL.get(self.type, "")
        return (
            f"the stack leaves it and {lost} behind" if lost and keeps else f"{lost} are lost" if lost else ""
        )


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    arn: str
    stack: str
    changes: tuple[Change, ...]


def template_body(path: Path = TEMPLATE) -> str:
    """Return the template as CloudFormation gets it: without its comment lines.

    Raises
    ------
    BadInput
        If it is longer than CloudFormation takes.
    """
    body = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    if (size := len(body.encode())) > MAX_TEMPLATE_BYTES:
        raise BadInput(f"{path}", f"it has {size:,} bytes, {MAX_TEMPLATE_BYTES:,} are allowed", "shorten it")
    return body


def prepare(
    account: Account,
    name: str,
    stack: Deployed | None,
    parameters: Mapping[str, str],
    template: Mapping[str, Any],
    *,
    role: str | None = None,
) -> ChangeSet | None:
    """Make a change set and return it, or None if it would change nothing.

    Parameters
    ----------
    name : str
        Of the stack.
    stack : Deployed or None
        As `settled` returns it. What it has of parameters and is not given here stays.
    parameters : mapping of str to str
    template : mapping
        Whose text `template_body` returns.
    role : str, optional
        ARN of the role that CloudFormation acts with; the caller's own, if not given.

    Raises
    ------
    AwsError
        If CloudFormation refuses it, saying why.
    """
    is_made = stack is not None and stack.is_made
    request: dict[str, Any] = {
        "StackName": name,
        "ChangeSetName": f"deploy-{uuid4().hex}",
        "ChangeSetType": "UPDATE" if is_made else "CREATE",
        "TemplateBody": template_body(),
        "Parameters": list(_parameters(stack if is_made else None, parameters, template)),
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "Project", "Value": name}, {"Key": "ManagedBy", "Value": "boomerang"}],
    }
    arn = account.create_change_set(**request, **({"RoleARN": role} if role else {}))
    return _described(account, name, arn)


def _parameters(
    stack: Deployed | None, given: Mapping[str, str], template: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the request's parameters: as given, else as the stack has them, else as the template says."""
    for name in template["Parameters"]:
        if name in given:
            yield {"ParameterKey": name, "ParameterValue": given[name]}
        elif stack is not None and name in stack.parameters:
            yield {"ParameterKey": name, "UsePreviousValue": True}


def _described(account: Account, name: str, arn: str) -> ChangeSet | None:
    answer = account.change_set(arn)
    while answer["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
        time.sleep(POLL_S)
        answer = account.change_set(arn)
    if answer["Status"] != "FAILED":
        return ChangeSet(arn, name, tuple(_change(each["ResourceChange"]) for each in answer["Changes"]))
    account.delete_change_set(arn)
    reason = answer.get("StatusReason", "CloudFormation does not say why")
    if any(words in reason for words in _NO_CHANGES):
        return None
    raise AwsError(
        f"the change of stack {name} was refused", reason, "correct the parameters or the template"
    )


def _change(content: Answer) -> Change:
    return Change(
        resource=content["LogicalResourceId"],
        type=content["ResourceType"],
        action=content["Action"],
        replacement=content.get("Replacement", ""),
        policy=content.get("PolicyAction", ""),
    )


def execute(account: Account, change_set: ChangeSet, say: Say) -> Deployed:
    """Execute a change set and return the stack as it is then.

    Raises
    ------
    AwsError
        If CloudFormation could not do it, with the resources that stopped it.
    """
    account.execute_change_set(change_set.arn)
    stack = wait(account, change_set.stack, say, begun=True)
    if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return stack
    why = "\n    ".join([stack.status, *failures(account, stack.id)])
    raise AwsError(f"stack {stack.name} could not be changed", why, "correct what it names and deploy again")
