"""The template itself: what cfn-lint says, its size, the values of its parameters, its alarms' limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aws.alarms import check_alarms
from aws.stack.changes import template_body
from aws.stack.intrinsics import Stack
from aws.stack.parameters import mistake, problems_together, value_of
from boomerang.errors import BadInput
from boomerang.findings import Outcome, Problem

_WORST = {"error", "warning"}


def check_lint(path: Path) -> Outcome:
    """Run cfn-lint; each of its errors and warnings is named by resource and property."""
    try:
        from cfnlint.api import lint  # type: ignore[import-untyped]  # it ships none
    except ImportError:
        what = "it is not installed, so nothing was checked by it; install requirements.txt"
        return Outcome("template: cfn-lint", (Problem("cfn-lint", "", what),))
    text = path.read_text(encoding="utf-8")
    found = [_of_match(match) for match in lint(text) if match.rule.severity in _WORST]
    try:
        said = f"{len(template_body(path).encode()):,} bytes to upload"
    except BadInput as error:
        said = error.why
        found.append(Problem("template", "", error.why))
    return Outcome(f"template: cfn-lint {version('cfn-lint')} finds nothing, {said}", tuple(found))


def _of_match(match: Any) -> Problem:
    where, field = place([str(part) for part in match.path or ()])
    return Problem(where, field, f"{match.rule.id}: {match.message} (line {match.linenumber})")


def place(path: Sequence[str]) -> tuple[str, str]:
    """Return the resource that a path into a template is in, and the rest of the path."""
    inside = path[1:] if len(path) > 1 and path[0] == "Resources" else path
    return (inside[0] if inside else "template"), ".".join(inside[1:])


def check_parameters(stack: Stack) -> Outcome:
    """Hold every parameter's value to its own declaration and to the others."""
    declared = stack.template["Parameters"]
    found = [problem for name in declared for problem in _of_value(name, declared[name], stack)]
    if not found:
        found = [*problems_together(stack), *_of_slack(stack)]
    said = f"parameters: {len(declared)}, each within its own limits and in agreement with the others"
    return Outcome(said, tuple(found))


def _of_value(name: str, declared: Mapping[str, Any], stack: Stack) -> Iterator[Problem]:
    if "Default" not in declared and name not in stack.parameters:
        yield Problem("Parameters", name, "it has no default, and no value is given")
    elif why := mistake(value_of(stack, name), declared):
        yield Problem("Parameters", name, why)


def _of_slack(stack: Stack) -> Iterator[Problem]:
    slack = stack.template.get("Mappings", {}).get("WithSlack", {})
    for period in stack.template["Parameters"]["AlarmPeriodSeconds"]["AllowedValues"]:
        seconds = slack.get(str(period), {}).get("Seconds", 0)
        if seconds <= int(period):
            what = f"after {seconds} s a canary that comes every {period} s would be missing"
            yield Problem("Mappings", f"WithSlack.{period}", what)


def check_alarm_limits(stack: Stack) -> Outcome:
    """Hold the alarms to CloudWatch's limits and to the metrics that are published."""
    names = alarm_ids(stack)
    found = [
        Problem(names.get(each.where, each.where), f"Properties.{each.field}", each.what)
        for each in check_alarms(stack.resources)
    ]
    return Outcome(f"alarms: {len(names)}, within CloudWatch's limits, on metrics that exist", tuple(found))


def alarm_ids(stack: Stack) -> dict[str, str]:
    """Return the logical id of each alarm by the alarm's name."""
    return {
        str(entry["Properties"].get("AlarmName", name)): name
        for name, entry in stack.resources.items()
        if entry["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    }
