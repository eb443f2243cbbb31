"""The stack's parameters: held against the template one by one and together, before an account is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws.alarms import check_alarms
from aws.alarms.template_rules import LONGEST_RANGE_S
from aws.stack.intrinsics import Stack
from boomerang.errors import ConfigError, UsageError, nearest
from boomerang.findings import Problem

# Set by `deploy` itself.
_UPLOADED = ("DefinitionS3Key", "CanaryDefinitionS3Key", "RejectCodeS3Key")
_NETWORK = ("VpcId", "SubnetIds", "SecurityGroupIds")


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
        if why := mistake(value, template["Parameters"][name]):
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


def mistake(value: str, declared: Mapping[str, Any]) -> str:
    """Return what is wrong with a parameter's value, as CloudFormation would find it, or nothing."""
    if "AllowedValues" in declared and value not in map(str, declared["AllowedValues"]):
        return f"'{value}' is none of {', '.join(map(str, declared['AllowedValues']))}"
    if "AllowedPattern" in declared and not re.fullmatch(declared["AllowedPattern"], value):
        rule = declared.get("ConstraintDescription", declared["AllowedPattern"])
        return f"'{value}' does not match: {rule}"
    return _not_in_range(value, declared) if declared["Type"] == "Number" else ""


def _not_in_range(value: str, declared: Mapping[str, Any]) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return f"'{value}' is no number"
    low, high = float(declared.get("MinValue", "-inf")), float(declared.get("MaxValue", "inf"))
    return "" if low <= float(value) <= high else f"{value} is not within {low:g} and {high:g}"


def value_of(stack: Stack, name: str) -> str:
    """Return the text that CloudFormation has of a parameter."""
    return str(stack.parameters.get(name, stack.template["Parameters"][name].get("Default", "")))


def problems_together(stack: Stack) -> Iterator[Problem]:
    """Yield what does not fit of parameters that are each right: alarms, network, the template's rules."""
    yield from _of_alarms(stack)
    given = [name for name in _NETWORK if value_of(stack, name)]
    for name in _NETWORK:
        if given and name not in given:
            yield _wrong(name, f"it is empty, and {', '.join(given)} is not: give all three or none")
    for name, rule in stack.template.get("Rules", {}).items():
        if "RuleCondition" not in rule or stack.holds(rule["RuleCondition"]):
            broken = (each for each in rule["Assertions"] if not stack.holds(each["Assert"]))
            for each in broken:
                why = each.get("AssertDescription", "its assertion does not hold")
                yield Problem("Rules", name, why)


def _of_alarms(stack: Stack) -> Iterator[Problem]:
    names = ("AlarmDatapoints", "AlarmEvaluationPeriods", "AlarmPeriodSeconds")
    datapoints, periods, period = (float(value_of(stack, name)) for name in names)
    if datapoints > periods:
        why = f"{datapoints:g} of {periods:g} (AlarmEvaluationPeriods) never happen"
        yield _wrong("AlarmDatapoints", why)
    if period * periods > LONGEST_RANGE_S:
        span = f"{periods:g} periods of {period:g} s (AlarmPeriodSeconds)"
        yield _wrong("AlarmEvaluationPeriods", f"{span} are more than the 7 days that CloudWatch takes")


def _wrong(name: str, what: str) -> Problem:
    return Problem("Parameters", name, what)


def check_together(stack: Stack) -> None:
    """Hold all parameters of a stack against each other, and its alarms to CloudWatch's limits.

    Raises
    ------
    ConfigError
        Listing what does not fit.
    """
    problems = [*map(str, problems_together(stack)), *map(str, check_alarms(stack.resources))]
    if problems:
        raise ConfigError("the stack's parameters", "; ".join(problems), "see docs/aws.md, Parameters")
