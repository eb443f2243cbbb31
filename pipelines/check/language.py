"""The definition language itself: which keys a pipeline, a step, a parameter or a condition has.

There is no official schema that fits: the published one (2025-04) rejects what the SageMaker SDK v3
writes. The keys here are those that the SDK's `to_request` methods write, by step type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from boomerang.errors import ConfigError
from boomerang.findings import Problem
from pipelines.check.arguments import listed
from pipelines.check.problems import PIPELINE, below, hint, kind_of, said
from pipelines.check.view import Pipeline, expressions
from pipelines.language.expressions import references
from pipelines.language.for_each import FOR_EACH, field_of, fields_read, item_of
from pipelines.language.graph import Node


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Definition(_Part):
    Version: Literal["2020-12-01"]
    Metadata: dict[str, Any] | None = None
    Parameters: list[Any] = []
    PipelineExperimentConfig: dict[str, Any] | None = None
    MlflowConfig: dict[str, Any] | None = None
    Steps: list[Any] = Field(min_length=1)


class _Parameter(_Part):
    Name: str
    Type: Literal["String", "Integer", "Float", "Boolean"]
    Description: str | None = None
    DefaultValue: Any = None
    EnumValues: list[Any] | None = None


class _Step(_Part):
    Name: str
    Type: str
    Arguments: dict[str, Any]
    DependsOn: list[str] = []
    DisplayName: str | None = None
    Description: str | None = None


class _RetriedStep(_Step):
    RetryPolicies: list[Any] = []


class _JobStep(_RetriedStep):
    CacheConfig: Any = None


class _ProcessingStep(_JobStep):
    PropertyFiles: list[Any] = []


class _Cache(_Part):
    Enabled: bool
    ExpireAfter: str | None = None


class _Retry(_Part):
    # The greatest interval is from the developer guide ("Retry Policy for Pipeline Steps"), the other
    # two limits are MAX_ATTEMPTS_CAP and MAX_EXPIRE_AFTER_MIN of the SDK's `workflow.retry`.
    ExceptionType: list[str] = Field(min_length=1)
    IntervalSeconds: int = Field(default=1, ge=0, le=43200)
    BackoffRate: float = Field(default=2.0, ge=0)
    MaxAttempts: int | None = Field(default=None, ge=1, le=20)
    ExpireAfterMin: int | None = Field(default=None, ge=0, le=14400)


class _PropertyFile(_Part):
    PropertyFileName: str
    OutputName: str
    FilePath: str


class _Branches(_Part):
    Conditions: list[Any] = Field(min_length=1)
    IfSteps: list[Any] = []
    ElseSteps: list[Any] = []


class _Loop(_Part):
    # MAX_LITERAL_ITERABLE_ITEMS and MAX_CONCURRENCY_MAX of the SDK's `workflow.for_each_step`.
    IterableItems: list[Any] = Field(min_length=1, max_length=100)
    MaxConcurrency: int = Field(ge=1, le=50)
    Selector: dict[str, Any] | None = None
    ForEachBody: list[Any] = Field(min_length=1)


class _Lineage(_Part):
    Actions: list[Any] = []
    Artifacts: list[Any] = []
    Contexts: list[Any] = []
    Associations: list[Any] = []


class _Association(_Part):
    Source: dict[str, Any]
    Destination: dict[str, Any]
    AssociationType: Any = None


class _Failure(_Part):
    ErrorMessage: Any


class _Comparison(_Part):
    Type: str
    LeftValue: Any
    RightValue: Any


class _In(_Part):
    Type: str
    QueryValue: Any
    Values: list[Any] = Field(min_length=1)


class _Not(_Part):
    Type: str
    Condition: Any


class _Or(_Part):
    Type: str
    Conditions: list[Any] = Field(min_length=1)


_STEPS: Mapping[str, type[_Step]] = {
    "Processing": _ProcessingStep,
    "Training": _JobStep,
    "RegisterModel": _RetriedStep,
    "Model": _RetriedStep,
    "Condition": _Step,
    "Fail": _Step,
    "Lineage": _Step,
    FOR_EACH: _Step,
}
# _DISALLOWED_BODY_STEP_TYPES of the same.
_NOT_REPEATED = ("Condition", "Fail", FOR_EACH)
_ORDERED = ("LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo")
_CONDITIONS: Mapping[str, type[_Part]] = {
    **dict.fromkeys((*_ORDERED, "Equals"), _Comparison),
    "In": _In,
    "Not": _Not,
    "Or": _Or,
}

# Errors of pydantic's that leave the definition readable.
_READABLE = {"extra_forbidden", "greater_than_equal", "less_than_equal", "too_short", "too_long"}


def check_language(definition: Any) -> Iterator[Problem]:
    """Yield what is no pipeline definition: unknown and missing keys, wrong types, at any depth."""
    wrong = list(_held(_Definition, definition, PIPELINE, ""))
    yield from wrong
    if any(problem.blocking for problem in wrong):
        return
    for index, parameter in enumerate(definition.get("Parameters", [])):
        yield from _held(_Parameter, parameter, PIPELINE, f"Parameters[{index}]")
    yield from _check_steps(definition["Steps"], "Steps")


def _check_steps(steps: list[Any], field: str) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        name = step.get("Name") if isinstance(step, Mapping) else None
        yield from _check_step(step, name if isinstance(name, str) else f"{field}[{index}]")


def _check_step(step: Any, name: str) -> Iterator[Problem]:
    kind = step.get("Type") if isinstance(step, Mapping) else None
    if isinstance(kind, str) and kind not in _STEPS:
        yield Problem(name, "Type", f"{kind} is no type of step{hint(kind, _STEPS)}", blocking=True)
        return
    wrong = list(_held(_STEPS.get(str(kind), _Step), step, name, ""))
    yield from wrong
    if not any(problem.blocking for problem in wrong):
        yield from _check_parts(step, name)


def _check_parts(step: Mapping[str, Any], name: str) -> Iterator[Problem]:
    if step.get("CacheConfig") is not None:
        yield from _held(_Cache, step["CacheConfig"], name, "CacheConfig")
    for key, kind in (("RetryPolicies", _Retry), ("PropertyFiles", _PropertyFile)):
        for index, part in enumerate(step.get(key, [])):
            yield from _held(kind, part, name, f"{key}[{index}]")
    if step["Type"] == "Fail":
        yield from _held(_Failure, step["Arguments"], name, "")
    if step["Type"] == "Lineage":
        yield from _held(_Lineage, step["Arguments"], name, "")
        for index, part in enumerate(listed(step["Arguments"].get("Associations"))):
            yield from _held(_Association, part, name, f"Associations[{index}]")
    if step["Type"] == "Condition":
        yield from _check_branches(step["Arguments"], name)
    if step["Type"] == FOR_EACH:
        yield from _check_loop(step)


def _check_loop(step: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with a `ForEach`; its body is read only where each item has what it reads."""
    name, arguments = step["Name"], step["Arguments"]
    wrong = list(_held(_Loop, arguments, name, ""))
    if not any(problem.blocking for problem in wrong):
        body = arguments["ForEachBody"]
        wrong += _check_repeated(body, name)
        wrong += _check_steps(body, f"{name}.ForEachBody")
    yield from wrong
    if any(problem.blocking for problem in wrong):
        return
    for index, given in enumerate(arguments["IterableItems"]):
        try:
            item = item_of(given, f"item {index}")
            for path in fields_read(body):
                field_of(item, path, f"item {index}")
        except ConfigError as error:
            yield Problem(name, f"IterableItems[{index}]", said(error), blocking=True)


def _check_repeated(body: list[Any], name: str) -> Iterator[Problem]:
    for step in body:
        kind = step.get("Type") if isinstance(step, Mapping) else None
        if kind in _NOT_REPEATED:
            yield Problem(name, "ForEachBody", f"no {kind} step may be in a body", blocking=True)


def _check_branches(arguments: Mapping[str, Any], name: str) -> Iterator[Problem]:
    wrong = list(_held(_Branches, arguments, name, ""))
    yield from wrong
    if any(problem.blocking for problem in wrong):
        return
    for index, condition in enumerate(arguments["Conditions"]):
        yield from _check_condition(condition, name, f"Conditions[{index}]")
    for key in ("IfSteps", "ElseSteps"):
        yield from _check_steps(arguments.get(key, []), f"{name}.{key}")


def _check_condition(condition: Any, step: str, field: str) -> Iterator[Problem]:
    kind = str(condition.get("Type")) if isinstance(condition, Mapping) else ""
    if kind not in _CONDITIONS:
        what = f"{kind} is no type of condition{hint(kind, _CONDITIONS)}"
        yield Problem(step, below(field, "Type"), what, blocking=True)
        return
    wrong = list(_held(_CONDITIONS[kind], condition, step, field))
    yield from wrong
    if any(problem.blocking for problem in wrong):
        return
    for key, inner in parts_of(condition):
        yield from _check_condition(inner, step, below(field, key))


def parts_of(condition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the conditions that a `Not` or `Or` is made of, with their keys."""
    if "Condition" in condition:
        yield "Condition", condition["Condition"]
    for index, inner in enumerate(condition.get("Conditions", [])):
        yield f"Conditions[{index}]", inner


def _held(kind: type[BaseModel], value: Any, step: str, field: str) -> Iterator[Problem]:
    """Yield what keeps a value from being of a kind."""
    try:
        kind.model_validate(value)
    except ValidationError as error:
        for each in error.errors():
            place = field
            for part in each["loc"]:
                place = f"{place}[{part}]" if isinstance(part, int) else below(place, str(part))
            yield Problem(step, place, _say(dict(each), kind), each["type"] not in _READABLE)


def _say(error: Mapping[str, Any], kind: type[BaseModel]) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return f"there is no such key{hint(error['loc'][-1], kind.model_fields)}"
    if error["type"] == "model_type":
        return f"is a {kind_of(error['input'])}, no object"
    return f"{error['msg'][0].lower()}{error['msg'][1:]} (got {error['input']!r:.60})"


def check_order(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield names that two steps have, and steps that wait for each other."""
    names = [node.name for node in pipeline.nodes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(name, "Name", f"{names.count(name)} steps have this name")
    try:
        TopologicalSorter({node.name: pipeline.waits_for(node) for node in pipeline.nodes}).prepare()
    except CycleError as error:
        circle = _from_culprit(pipeline, list(reversed(error.args[1]))[:-1])
        field = _dependence(pipeline.by_name[circle[0]], circle[1 % len(circle)])
        what = " waits for ".join([*circle, circle[0]])
        yield Problem(circle[0], field, f"the steps wait for each other: {what}")


def _from_culprit(pipeline: Pipeline, circle: list[str]) -> list[str]:
    """Start a circle at a step that was told to wait, else at the first: the mistake is likely there."""
    order = [node.name for node in pipeline.nodes]
    pairs = zip(circle, [*circle[1:], circle[0]], strict=True)
    told = [step for step, other in pairs if other in pipeline.by_name[step].step.get("DependsOn", ())]
    start = circle.index(min(told or circle, key=order.index))
    return circle[start:] + circle[:start]


def _dependence(node: Node, other: str) -> str:
    """Return the field by which a step waits for another."""
    if other in node.step.get("DependsOn", ()):
        return "DependsOn"
    fields = (field for field, value in expressions(node.arguments) if other in references(value).steps)
    return next(fields, "Arguments")
