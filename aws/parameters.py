"""The stack's parameters as a person gives them, held against the template before an account is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws.alarms import check_alarms
from aws.intrinsics import Stack
from boomerang.errors import ConfigError, UsageError, nearest

# Set by `deploy` itself.
_UPLOADED = ("DefinitionS3Key", "CanaryDefinitionS3Key", "RejectCodeS3Key")
_VPC = ("VpcId", "SubnetIds", "SecurityGroupIds")


def read_parameters(words: Sequence[str], project: str, template: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters from `KEY=VALUE` words, with the project's name.

    Raises
    ------
    UsageError
        If one is not the template's, is set by `deploy` itself, or is not what the template takes.
    """
    given = {"ProjectName": project}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"--parameter {word}", "it is not KEY=VALUE", "for example --parameter MaxDrop=0.03"
            )
        given[name] = _free(name, value, template["Parameters"])
    for name, value in given.items():
        if why := _mistake(value, template["Parameters"][name]):
            what = f"--parameter {name}={value}" if name != "ProjectName" else f"--project {value}"
            raise UsageError(what, why, template["Parameters"][name].get("Description", ""))
    return given


def _free(name: str, value: str, known: Mapping[str, Any]) -> str:
    """Return the value of a parameter that a person may give."""
    if name not in known:
        raise UsageError(f"--parameter {name}", "the template has none of this name", nearest(name, known))
    if name == "ProjectName":
        raise UsageError("--parameter ProjectName", "it is the stack's name too", "give it as --project")
    if name in _UPLOADED:
        raise UsageError(f"--parameter {name}", "deploy sets it to what it has uploaded", "leave it out")
    return value


def _mistake(value: str, declared: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, as CloudFormation would find it, or nothing."""
    if "AllowedPattern" in declared and not re.fullmatch(declared["AllowedPattern"], value):
        return str(declared.get("ConstraintDescription", f"it does not fit {declared['AllowedPattern']}"))
    allowed = [str(each) for each in declared.get("AllowedValues", ())]
    if allowed and value not in allowed:
        return f"it is none of {', '.join(allowed)}"
    return _not_in_range(value, declared) if declared["Type"] == "Number" else ""


def _not_in_range(value: str, declared: Mapping[str, Any]) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "it is no number"
    low, high = (declared.get(key) for key in ("MinValue", "MaxValue"))
    if low is not None and float(value) < low:
        return f"the least is {low}"
    return f"the most is {high}" if high is not None and float(value) > high else ""


def check_together(stack: Stack) -> None:
    """Hold all parameters of a stack against each other: the template's rules, the alarms, the VPC.

    Raises
    ------
    ConfigError
        Listing what does not fit.
    """
    if problems := list(_problems(stack)):
        raise ConfigError("the stack's parameters", "; ".join(problems), "see docs/aws.md, Parameters")


def _problems(stack: Stack) -> Iterator[str]:
    for rule in stack.template.get("Rules", {}).values():
        if stack.holds(rule["RuleCondition"]):
            broken = (each for each in rule["Assertions"] if not stack.holds(each["Assert"]))
            yield from (each["AssertDescription"] for each in broken)
    yield from map(str, check_alarms(stack.resources))
    given = [name for name in _VPC if stack.parameters.get(name)]
    if given and len(given) < len(_VPC):
        yield f"{', '.join(_VPC)} belong together, and only {', '.join(given)} is given"
