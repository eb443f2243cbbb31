"""What a pipeline definition says with `Get`, `Std:Join`, `Std:JsonGet`, parameters and conditions.

The rules follow the SageMaker Pipelines definition language as the SageMaker Python SDK v3 writes it.
Where the service leaves room, this reads strictly: what cannot be resolved, or is no finite number
where a number is compared, is an error and never a condition that holds.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boomerang.errors import ConfigError, StepFailed, nearest
from boomerang.gate import NOT_MEASURED

_FUNCTIONS = frozenset({"Get", "Std:Join", "Std:JsonGet"})
_PATH_PART = re.compile(r"\.?([^.\[\]'\"]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
}
_SIGNS = {
    "LessThan": "<",
    "LessThanOrEqualTo": "≤",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": "≥",
    "Equals": "=",
}


@dataclass(frozen=True)
class Scope:
    """What the expressions of one execution may refer to.

    Attributes
    ----------
    parameters : mapping
        Value of each pipeline parameter; see `parameter_values`.
    execution : mapping
        `PipelineExecutionId`, `PipelineName`, `StartDateTime`.
    properties : mapping
        The properties of each step that has run, by step name; filled as the execution goes on.
    property_file : callable
        Returns the JSON of a step's property file, given the step's and the property file's name.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    properties: dict[str, Any] = field(default_factory=dict)
    property_file: Callable[[str, str], Any] = lambda step, file: {}


def path_parts(path: str) -> list[str | int]:
    """Split a path of names, indices and quoted keys.

    >>> path_parts("Steps.Make.Outputs['train'].Files[0]")
    ['Steps', 'Make', 'Outputs', 'train', 'Files', 0]

    Raises
    ------
    ConfigError
        If the text is no such path.
    """
    parts: list[str | int] = []
    position = 1 if path.startswith("$") else 0  # JsonGet allows `$.a.b` for `a.b`
    while position < len(path):
        match = _PATH_PART.match(path, position)
        if match is None:
            raise ConfigError(f"'{path}'", f"it is no path from '{path[position:]}' on", "write a.b[0]['c']")
        name, index, single, double = match.groups()
        parts.append(
            int(index) if index is not None else next(p for p in (name, single, double) if p is not None)
        )
        position = match.end()
    return parts


def resolve(value: Any, scope: Scope) -> Any:
    """Return plain JSON for a value of a definition, every expression in it replaced.

    Raises
    ------
    ConfigError
        If an expression names a function, parameter or variable that does not exist.
    StepFailed
        If it reads a property of a step, or a path of a property file, that is not there.
    """
    if isinstance(value, Mapping):
        if len(value) == 1 and (function := next(iter(value))) in _FUNCTIONS:
            return _call(function, value[function], scope)
        if any(str(key).startswith("Std:") for key in value):
            raise ConfigError(f"'{next(iter(value))}'", "this runner does not know that function", "")
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolve(item, scope) for item in value]
    return value


def _call(function: str, argument: Any, scope: Scope) -> Any:
    if function == "Get":
        return _get(argument, scope)
    if function == "Std:Join":
        return argument.get("On", "").join(as_text(resolve(item, scope)) for item in argument["Values"])
    return _json_get(argument, scope)


def _get(path: str, scope: Scope) -> Any:
    source, *rest = path_parts(path)
    if source == "Steps" and rest:
        if rest[0] not in scope.properties:
            raise StepFailed(f"'{path}'", f"step {rest[0]} has not run")
        return _walk(scope.properties[str(rest[0])], rest[1:], path)
    known = {"Parameters": scope.parameters, "Execution": scope.execution}.get(str(source))
    if known is None or len(rest) != 1:
        raise ConfigError(f"'{path}'", "a Get reads Parameters.X, Execution.X or Steps.X.property")
    if rest[0] not in known:
        raise ConfigError(f"'{path}' is not defined", nearest(str(rest[0]), known))
    return known[str(rest[0])]


def _json_get(argument: Mapping[str, Any], scope: Scope) -> Any:
    step, file = property_file_reference(argument)
    document = scope.property_file(step, file)
    value = _walk(document, path_parts(argument["Path"]), f"{step}: {file}: {argument['Path']}")
    if isinstance(value, Mapping | list) or value is None:
        raise StepFailed(f"{step}: {file}: {argument['Path']}", f"it holds {value!r:.80}, no single value")
    return value


def property_file_reference(argument: Mapping[str, Any]) -> tuple[str, str]:
    """Return the step and the property file that the argument of a `Std:JsonGet` names."""
    match path_parts(argument.get("PropertyFile", {}).get("Get", "")):
        case ["Steps", str(step), "PropertyFiles", str(file)]:
            return step, file
    raise ConfigError(
        "Std:JsonGet", f"no property file in {dict(argument)!r:.120}", "name one with PropertyFile"
    )


def _walk(node: Any, parts: Sequence[str | int], path: str) -> Any:
    for part in parts:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            there = (
                f"it holds: {', '.join(map(str, node))}"
                if isinstance(node, Mapping)
                else f"it is {node!r:.60}"
            )
            raise StepFailed(f"'{path}' is not there", f"nothing at '{part}'; {there}") from None
    return node


def as_text(value: Any) -> str:
    """Return a resolved value as the service puts it in text: `true`, `3`, `0.02`, `word`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_values(declared: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every declared parameter, given or default, as its declared type.

    Raises
    ------
    ConfigError
        If a given one is not declared, of the wrong type, or not among its allowed values, or one
        without a default is not given.
    """
    names = [parameter["Name"] for parameter in declared]
    for name in given:
        if name not in names:
            raise ConfigError(
                f"the pipeline has no parameter '{name}'", nearest(name, names) if names else ""
            )
    return {parameter["Name"]: _parameter_value(parameter, given) for parameter in declared}


def _parameter_value(parameter: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    name = parameter["Name"]
    if name not in given and "DefaultValue" not in parameter:
        raise ConfigError(f"parameter '{name}' is missing", "it has no default", "give it a value")
    value = _typed(name, parameter["Type"], given.get(name, parameter.get("DefaultValue")))
    allowed = parameter.get("EnumValues")
    if allowed and value not in allowed:
        raise ConfigError(
            f"parameter '{name}' is {value!r}", f"it must be one of {', '.join(map(str, allowed))}"
        )
    return value


def _typed(name: str, kind: str, value: Any) -> Any:
    """Return a value as the declared type; text is read, as it comes from a command line."""
    try:
        if kind == "Boolean":
            return {True: True, False: False, "true": True, "false": False}[value]
        if kind == "Integer" and not isinstance(value, bool) and float(value) == int(value):
            return int(value)
        if kind == "Float" and not isinstance(value, bool) and math.isfinite(float(value)):
            return float(value)
        if kind == "String" and isinstance(value, str):
            return value
    except (KeyError, ValueError, TypeError, OverflowError):
        pass
    raise ConfigError(f"parameter '{name}'", f"{value!r} is no {kind.lower()}", f"give a {kind.lower()}")


def holds(condition: Mapping[str, Any], scope: Scope) -> bool:
    """Whether one condition of a condition step holds.

    Raises
    ------
    StepFailed
        If a side cannot be read, is not finite, or the two sides cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"], scope)
    if kind in ("And", "Or"):
        # Every part is evaluated, so that an unreadable one never hides behind another.
        parts = [holds(part, scope) for part in condition["Conditions"]]
        return all(parts) if kind == "And" else any(parts)
    if kind == "In":
        query = resolve(condition["QueryValue"], scope)
        return any(_equal(query, resolve(value, scope), kind) for value in condition["Values"])
    left, right = resolve(condition["LeftValue"], scope), resolve(condition["RightValue"], scope)
    if kind == "Equals":
        return _equal(left, right, kind)
    return _ORDERED[kind](_number(left, kind), _number(right, kind))


def say_failed(conditions: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    """Return in words every condition that does not hold, or that all do."""
    failed = [say(each, scope) for each in conditions if not holds(each, scope)]
    return "; ".join(failed) or "all conditions hold"


def say(condition: Mapping[str, Any], scope: Scope) -> str:
    """Return in words why a condition does not hold: `gate.drop is 0.03, not ≤ 0.02`.

    A number that only stands for one that was not measured is not shown.
    """
    if condition["Type"] not in _SIGNS:
        return f"{condition['Type']} does not hold"
    left, right = condition["LeftValue"], condition["RightValue"]
    name = left.get("Std:JsonGet", {}).get("Path") or left.get("Get") if isinstance(left, Mapping) else None
    value, limit = (resolve(side, scope) for side in (left, right))
    name, asked = name or "the value", f"{_SIGNS[condition['Type']]} {_short(limit)}"
    if _is_number(value) and value >= NOT_MEASURED:
        return f"{name} was not measured and has to be {asked}"
    return f"{name} is {_short(value)}, not {asked}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else as_text(value)


def check_condition(condition: Mapping[str, Any]) -> None:
    """Refuse a condition of an unknown type, at any depth.

    Raises
    ------
    ConfigError
        Naming the type.
    """
    known = {*_ORDERED, "Equals", "In", "Not", "And", "Or"}
    if condition.get("Type") not in known:
        raise ConfigError(f"condition '{condition.get('Type')}'", nearest(str(condition.get("Type")), known))
    for part in condition.get("Conditions", []):
        check_condition(part)
    if condition["Type"] == "Not":
        check_condition(condition.get("Condition", {}))


def _number(value: Any, kind: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StepFailed(f"condition {kind}", f"{value!r} is no finite number")
    return float(value)


def _equal(left: Any, right: Any, kind: str) -> bool:
    if _is_number(left) and _is_number(right):
        return _number(left, kind) == _number(right, kind)
    if type(left) is not type(right):
        raise StepFailed(f"condition {kind}", f"{left!r} and {right!r} are not of one type")
    return bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class References:
    """What the expressions inside a value read: step names, parameter names, property files."""

    steps: frozenset[str]
    parameters: frozenset[str]
    property_files: frozenset[tuple[str, str]]


def references(value: Any) -> References:
    """Return everything that a value of a definition refers to, without resolving it."""
    paths = [parts for path in gets(value) if (parts := path_parts(path))]
    files = {
        (str(p[1]), str(p[3])) for p in paths if len(p) == 4 and p[0] == "Steps" and p[2] == "PropertyFiles"
    }
    return References(
        steps=frozenset(str(p[1]) for p in paths if p[0] == "Steps" and len(p) > 1),
        parameters=frozenset(str(p[1]) for p in paths if p[0] == "Parameters" and len(p) > 1),
        property_files=frozenset(files),
    )


def gets(value: Any) -> Iterator[str]:
    """Yield the path behind every `Get` of a value, at any depth."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
        else:
            for item in value.values():
                yield from gets(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from gets(item)
