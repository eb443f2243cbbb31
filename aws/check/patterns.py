"""Each rule's event pattern against events as AWS documents them, kept in `events.json`.

That file says of every event which rules of the template it has to bring, so a pattern that matches too
little and one that matches too much are both found. The matcher knows what is used here: exact values in
arrays, nested; another operator is refused by its name.
Source: EventBridge User Guide, "Creating event patterns" and "Matching null values and empty strings".
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws.check.stacks import Resource, of_type
from aws.stack.intrinsics import Stack
from boomerang.errors import BadInput
from boomerang.findings import Outcome, Problem

_EVENTS = Path(__file__).with_name("events.json")
# `<aws.events.rule-arn>` and its like need no path, and have dots.
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_-]+)>")

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One event as documented, with this stack's names in it.

    Attributes
    ----------
    said : str
        What is particular about it.
    event : mapping
        The whole body.
    matched_by : frozenset of str
        The logical ids of the rules that it has to bring.
    """

    said: str
    event: Event
    matched_by: frozenset[str]


@cache
def _kept() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_EVENTS.read_text(encoding="utf-8"))
    return content


def cases(stack: Stack) -> list[Case]:
    """Return the kept events, resolved for a stack."""
    return [_case(entry, stack) for entry in _kept()["cases"]]


def _case(entry: Mapping[str, Any], stack: Stack) -> Case:
    event = copy.deepcopy(_kept()["documents"][entry["of"]]["event"])
    if suffix := entry.get("pipeline"):
        event = json.loads(
            json.dumps(event).replace("pipeline/${ProjectName}", f"pipeline/${{ProjectName}}{suffix}")
        )
    for place, value in entry["set"].items():
        _put(event, place.split("."), value)
    said = [
        entry["of"],
        entry.get("pipeline", ""),
        *(f"{key} {value}" for key, value in entry["set"].items()),
    ]
    return Case(", ".join(filter(None, said)), _filled(event, stack), frozenset(entry["matched_by"]))


def _put(event: dict[str, Any], place: list[str], value: Any) -> None:
    for key in place[:-1]:
        event = event[key]
    event[place[-1]] = value


def _filled(value: Any, stack: Stack) -> Any:
    """Return a value with the stack's names for `${...}`."""
    if isinstance(value, str):
        return stack.resolve({"Fn::Sub": value})
    if isinstance(value, dict):
        return {key: _filled(each, stack) for key, each in value.items()}
    return [_filled(each, stack) for each in value] if isinstance(value, list) else value


def matches(pattern: Any, event: Any) -> bool:
    """Whether an event has, for each key of a pattern, one of the values that the pattern lists.

    Raises
    ------
    BadInput
        If the pattern is none, or has an operator that is not known here.
    """
    if not isinstance(pattern, Mapping) or not pattern:
        raise BadInput("event pattern", f"{pattern!r} is no object with keys", "list the values: [...]")
    found = [_matches_key(key, wanted, event) for key, wanted in pattern.items()]
    return all(found)


def _matches_key(key: str, wanted: Any, event: Any) -> bool:
    if key.startswith("$"):
        raise BadInput(
            f"event pattern: '{key}'", "the operator is not known here", "add it to aws/check/patterns.py"
        )
    inside = event.get(key, _ABSENT) if isinstance(event, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        return matches(wanted, inside)
    if not isinstance(wanted, list) or not wanted:
        raise BadInput(f"event pattern: '{key}'", f"{wanted!r} is no list of values", "write [value]")
    values = inside if isinstance(inside, list) else [inside]
    # All are looked at: an operator behind a value that matches is refused too.
    found = [_is(one, value) for one in wanted for value in values]
    return any(found)


_ABSENT = object()


def _is(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping | list):
        raise BadInput(
            f"event pattern: {json.dumps(wanted)}",
            "the operator is not known here",
            "add it to aws/check/patterns.py",
        )
    return type(wanted) is type(value) and bool(wanted == value)


def check_events(stack: Stack) -> Outcome:
    """Match every rule's pattern against every kept event, and look at what its targets take of them."""
    rules, kept = of_type(stack, "AWS::Events::Rule"), cases(stack)
    found = [problem for name, rule in rules.items() for problem in _of_rule(name, rule, kept, stack)]
    absent = {name for case in kept for name in case.matched_by} - rules.keys()
    found += [
        Problem(name, "", "there is no such rule, and kept events have to bring one")
        for name in sorted(absent)
    ]
    said = f"events: {len(rules)} patterns, each matches what it should of {len(kept)} documented events"
    return Outcome(said, tuple(found))


def _of_rule(name: str, rule: Resource, kept: list[Case], stack: Stack) -> Iterator[Problem]:
    try:
        brought = [case for case in kept if matches(rule.get("EventPattern"), case.event)]
    except BadInput as error:
        yield Problem(name, "Properties.EventPattern", f"{error.what}: {error.why}")
        return
    wanted = [case for case in kept if name in case.matched_by]
    if not wanted:
        yield Problem(
            name, "Properties.EventPattern", "no kept event says what it is for; add one to events.json"
        )
    for case in wanted:
        if case not in brought:
            yield Problem(name, "Properties.EventPattern", f"it does not match: {case.said}")
    for case in brought:
        if case not in wanted:
            yield Problem(name, "Properties.EventPattern", f"it matches what it should not: {case.said}")
    for target in rule.get("Targets", ()):
        yield from _of_target(name, target, wanted, stack)


def _of_target(name: str, target: Mapping[str, Any], wanted: list[Case], stack: Stack) -> Iterator[Problem]:
    field = f"Properties.Targets['{target['Id']}']"
    transformer = target.get("InputTransformer", {})
    paths = transformer.get("InputPathsMap", {})
    for key, path in paths.items():
        if any(_at(path, case.event) is None for case in wanted):
            yield Problem(
                name, f"{field}.InputTransformer.InputPathsMap.{key}", f"the event has nothing at {path}"
            )
    for key in _PLACEHOLDER.findall(transformer.get("InputTemplate", "")):
        if key not in paths:
            yield Problem(name, f"{field}.InputTransformer.InputTemplate", f"<{key}> is not in InputPathsMap")
    yield from _of_permission(name, field, target, stack)


def _of_permission(name: str, field: str, target: Mapping[str, Any], stack: Stack) -> Iterator[Problem]:
    """A function has to let the rule call it."""
    functions = {f"${{{function}.Arn}}" for function in of_type(stack, "AWS::Lambda::Function")}
    let_in = {
        permission.get("SourceArn") for permission in of_type(stack, "AWS::Lambda::Permission").values()
    }
    if target["Arn"] in functions and f"${{{name}.Arn}}" not in let_in:
        yield Problem(name, f"{field}.Arn", "no AWS::Lambda::Permission lets this rule call the function")


def _at(path: str, event: Event) -> Any:
    """Return what is at `$.detail.state`, or None."""
    value: Any = event
    for key in path.removeprefix("$.").split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
