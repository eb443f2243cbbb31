"""The calls of AWS that our code makes with a role, recorded while it ran and kept in `calls.json`.

    role -> callers -> calls: service and operation by botocore's names, what it was called on, and the
                              parameters that become condition keys

`tests/aws/check/test_calls.py` runs every caller under moto and holds the file to what it hears; with
BOOMERANG_RENEW_CALLS=1 it writes it anew. What a call was on is kept in the template's words
(`${DataBucket.Arn}/${ProjectName}/...`), so that the file says nothing of a test's account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws.stack.policy import Call

CALLS = Path(__file__).with_name("calls.json")
_PACKAGES = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:model-package/${PackageGroup}"


@dataclass(frozen=True, order=True)
class Kept:
    """One kind of call: the same operation on the same thing under the same conditions.

    Attributes
    ----------
    service, operation : str
        As botocore calls them.
    resource : str
        What it was called on, in the template's words; `*` where IAM knows no resource for it.
    context : tuple of (str, str)
        Condition keys of IAM with their values, sorted.
    """

    service: str
    operation: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that it needs."""
        return Call(self.service, self.operation).actions


def kept_of(calls: Iterable[Call], names: Mapping[str, str]) -> list[Kept]:
    """Return recorded calls as they are kept, each kind once.

    Parameters
    ----------
    calls : iterable of Call
        From `aws.stack.policy.recording`.
    names : mapping of str to str
        What buckets, keys, topics and prefixes of object keys are called in the template. The longest that
        an address starts with is replaced.
    """
    return sorted(
        {
            Kept(call.service, call.operation, resource(call, names), tuple(sorted(call.context.items())))
            for call in calls
        }
    )


def resource(call: Call, names: Mapping[str, str]) -> str:
    """Return what a call is on, as IAM asks it of a policy.

    A list of packages is asked of every package of the group, as in the policies of SageMaker's Developer
    Guide ("Cross-account access to a model registry"); an object of its key; a bucket's list of the bucket.
    """
    given = call.parameters
    match call.service, given:
        case "s3", {"Bucket": bucket, **more}:
            return _named("/".join([bucket, *([more["Key"]] if "Key" in more else [])]), names)
        case "sagemaker", {"ModelPackageGroupName": _}:
            return f"{_PACKAGES}/*"
        case "sagemaker", {"ModelPackageName": _} | {"ModelPackageArn": _}:
            return f"{_PACKAGES}/1"
        case ("kms", {"KeyId": address}) | ("sns", {"TopicArn": address}):
            return _named(address, names)
    return "*"


def _named(text: str, names: Mapping[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(name):
            return names[name] + text[len(name) :]
    return text


@cache
def kept_calls(path: Path = CALLS) -> Mapping[str, Mapping[str, tuple[Kept, ...]]]:
    """Return the kept calls: by role, by caller."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {
        role: {caller: tuple(map(_read, calls)) for caller, calls in callers.items()}
        for role, callers in content.items()
    }


def _read(entry: Mapping[str, Any]) -> Kept:
    context = tuple(sorted(entry.get("context", {}).items()))
    return Kept(entry["service"], entry["operation"], entry["resource"], context)


def as_json(kept: Mapping[str, Mapping[str, Iterable[Kept]]]) -> str:
    """Return the text of the file, one call a line."""
    roles = {
        role: {
            caller: [json.dumps(_entry(call)) for call in calls] for caller, calls in sorted(callers.items())
        }
        for role, callers in sorted(kept.items())
    }
    lines = [
        f' "{role}": {{\n'
        + ",\n".join(
            f'  "{name}": [\n   ' + ",\n   ".join(calls) + "\n  ]" for name, calls in callers.items()
        )
        + "\n }"
        for role, callers in roles.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(call: Kept) -> dict[str, Any]:
    entry = {"service": call.service, "operation": call.operation, "resource": call.resource}
    return entry | ({"context": dict(call.context)} if call.context else {})
