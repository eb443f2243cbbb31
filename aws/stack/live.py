"""The stack as it is: looked at, waited for, deleted. `aws.stack.changes` changes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from aws.account import Account, Answer
from aws.alarms import Where
from boomerang.errors import AwsError

POLL_S = 4.0

_BROKEN = {
    "ROLLBACK_COMPLETE": "it could not be made, and CloudFormation took back what it had made",
    "ROLLBACK_FAILED": "it could not be made, nor taken back",
    "CREATE_FAILED": "it could not be made",
    "DELETE_FAILED": "it could not be deleted as a whole",
    "UPDATE_ROLLBACK_FAILED": "a change failed and could not be taken back",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployed:
    """A stack as CloudFormation describes it.

    Attributes
    ----------
    id, name, status, reason : str
    parameters, outputs : mapping of str to str
        As they are now; no outputs before the stack is made.
    """

    id: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def where(self) -> Where:
        """The partition, region and account that it is in."""
        _, partition, _, region, account, _ = self.id.split(":", 5)
        return Where(account=account, region=region, partition=partition)

    @property
    def is_made(self) -> bool:
        """Whether it has resources, and not only a first change set that waits."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.is_made and self.status.endswith("_IN_PROGRESS")


def find(account: Account, name: str) -> Deployed | None:
    """Return a stack by name or id, or None where there is none."""
    answer = account.stack(name)
    if answer is None:
        return None
    return Deployed(
        id=answer["StackId"],
        name=answer["StackName"],
        status=answer["StackStatus"],
        reason=answer.get("StackStatusReason", ""),
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in answer.get("Parameters", ())},
        outputs={each["OutputKey"]: each["OutputValue"] for each in answer.get("Outputs", ())},
    )


def settled(account: Account, name: str, say: Say) -> Deployed | None:
    """Return a stack once CloudFormation is not at work on it, or None where there is none.

    Raises
    ------
    AwsError
        If it is in a state that no change leads out of.
    """
    stack = find(account, name)
    if stack is not None and stack.is_busy:
        say(f"stack {name} is {stack.status}: waiting for it to end")
        stack = wait(account, stack.id, say)
    if stack is not None and stack.status in _BROKEN:
        do = f"delete it and deploy again: python -m pipelines destroy --project {name}"
        why = "\n    ".join([f"{stack.status}, {_BROKEN[stack.status]}", *failures(account, stack.id)])
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            do = f"aws cloudformation continue-update-rollback --stack-name {name}, then deploy again"
        raise AwsError(f"stack {name} cannot be changed", why, do)
    return None if stack is None or stack.status == "DELETE_COMPLETE" else stack


def delete(account: Account, stack: Deployed, say: Say, *, role: str | None = None) -> None:
    """Delete a stack and wait until it is gone.

    Raises
    ------
    AwsError
        If something could not be deleted, with the resources that stopped it.
    """
    if not stack.status.startswith("DELETE_IN"):
        account.delete_stack(stack.name, role)
    left = wait(account, stack.id, say)
    if left.status == "DELETE_FAILED":
        why = "\n    ".join(["some of its resources could not be deleted", *failures(account, stack.id)])
        raise AwsError(f"stack {stack.name} is not gone", why, "remove what stops it, then destroy again")


def wait(account: Account, name: str, say: Say, *, begun: bool = False) -> Deployed:
    """Return a stack, by name or id, once CloudFormation is not at work on it.

    With `begun`, a stack that looks as if nothing had begun is waited for too.
    """
    told = ""
    while True:
        stack = find(account, name)
        if stack is None:
            raise AwsError(f"stack {name}", "it has gone while it was waited for", "deploy again")
        if stack.status != told:
            say(f"stack {stack.name}: {stack.status}")
            told = stack.status
        if not (stack.is_busy or (begun and not stack.is_made)):
            return stack
        time.sleep(POLL_S)


def failures(account: Account, stack: str) -> list[str]:
    """Return what stopped the last work on a stack, the first cause first."""
    last = takewhile(lambda event: not _begins(event), account.stack_events(stack))
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(list(last))
        if event["ResourceStatus"].endswith("_FAILED") and event["PhysicalResourceId"] != stack
    ]


def _begins(event: Answer) -> bool:
    """Whether an event is the beginning of a work on the stack, as a person asked for it."""
    return event.get("ResourceStatusReason") == "User Initiated"
