"""The stack held against all that can be known of it without an account, a network or a key.

    template     cfn-lint, the parameters' values, the alarms' limits
    roles        every call that the code makes is allowed by its role, and nothing more is granted
    calls        those calls, recorded while the code ran and kept in `calls.json`
    dashboard    the body that would be put
    patterns     each rule's pattern against events as AWS documents them, kept in `events.json`
    schedule     when the canary comes, and the longest gap between two runs
    played       histories driven through every alarm, to the events that bring the function
    stacks       the template, resolved for those that need it whole

`stack_checks` runs them all; `docs/check.md` says what only AWS can answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aws.check.dashboard import check_body
from aws.check.patterns import check_events
from aws.check.played import check_played
from aws.check.roles import check_roles
from aws.check.schedule import check_schedules
from aws.check.stacks import whole_stack
from aws.check.template import check_alarm_limits, check_lint, check_parameters
from aws.stack.intrinsics import TEMPLATE, Stack, load_template
from boomerang.errors import BoomerangError
from boomerang.findings import Outcome, Problem

__all__ = ["Outcome", "Problem", "content_checks", "stack_checks"]

_NONE: Mapping[str, str] = MappingProxyType({})


def stack_checks(parameters: Mapping[str, str] = _NONE, template: Path = TEMPLATE) -> list[Outcome]:
    """Run every check of the stack, and return what each looked at and found.

    Where a parameter has no value that CloudFormation would take, nothing that follows from it is checked.

    Parameters
    ----------
    parameters : mapping of str to str
        Those of the stack that differ from the template's defaults.
    template : Path

    Raises
    ------
    UsageError
        If a parameter is not the template's.
    BadInput
        If the file is no template.
    """
    return [check_lint(template), *content_checks(load_template(template), parameters)]


def content_checks(template: Mapping[str, Any], parameters: Mapping[str, str] = _NONE) -> Iterator[Outcome]:
    """Run every check but cfn-lint on a template that is read, one after the other; see `stack_checks`."""
    values = check_parameters(Stack(template, parameters, {}))
    yield values
    if not values.problems:
        stack = whole_stack(template, parameters)
        for check in _CHECKS:
            yield from _run(check, stack)


_CHECKS: tuple[Callable[[Stack], Outcome | list[Outcome]], ...] = (
    *(check_alarm_limits, check_roles, check_body, check_events, check_schedules, check_played),
)


def _run(check: Callable[[Stack], Outcome | list[Outcome]], stack: Stack) -> list[Outcome]:
    """Run one check; what it cannot read is a problem like any other."""
    try:
        found = check(stack)
    except BoomerangError as error:
        return [Outcome(check.__name__, (Problem(error.what, "", f"{error.why}; {error.do}"),))]
    return found if isinstance(found, list) else [found]
