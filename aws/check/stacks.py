"""The stack that is checked: the template with all that it can have, so no condition hides a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws.stack.intrinsics import Stack

# What a stack gets once it is complete; docs/aws.md says why it is made in two goes.
_COMPLETE = {
    **dict.fromkeys(("DefinitionS3Key", "CanaryDefinitionS3Key", "RejectCodeS3Key"), "some/key"),
    "NotificationEmail": "people@example.com",
}
_VPC = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
# What CloudFormation names itself and a policy names by a pattern.
_KNOWN = {"SigningKey.Arn": "arn:aws:kms:us-east-1:123456789012:key/signing"}

Resource = Mapping[str, Any]


def whole_stack(template: Mapping[str, Any], parameters: Mapping[str, str]) -> Stack:
    """Return the complete stack in a VPC, with these parameters where they say something.

    Raises
    ------
    UsageError
        If a parameter is not the template's.
    """
    declared = template["Parameters"]
    said = {name: value for name, value in parameters.items() if value or name not in _COMPLETE | _VPC}
    filled = {name: value for name, value in (_COMPLETE | _VPC).items() if name in declared}
    return Stack(template, filled | said, _KNOWN)


def of_type(stack: Stack, kind: str) -> dict[str, Resource]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: entry.get("Properties", {}) for name, entry in stack.resources.items() if entry["Type"] == kind
    }
