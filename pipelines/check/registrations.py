"""The gate of a definition: it asks for every number and for the verdict; what it lets through is pending.

Whoever turns a condition, leaves one out or joins two by `Or` has a pipeline that runs as before and
registers what the gate would reject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from boomerang.findings import Problem
from boomerang.gate import FAILED_CHECKS, GATE, GateConfig
from pipelines.campaign.entry import EVALUATE
from pipelines.check.arguments import inside
from pipelines.check.problems import PIPELINE, kind_of
from pipelines.check.view import Pipeline, is_expression, say
from pipelines.language.graph import Node

_AT_MOST = "LessThanOrEqualTo"
_STATUS = {True: "PendingManualApproval", False: "Rejected"}


def check_gate(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield how a candidate could be registered past the gate."""
    gates = {node.branch[0] for node in pipeline.nodes if node.kind == "RegisterModel" and node.branch}
    for node in pipeline.nodes:
        if node.kind == "RegisterModel":
            yield from _check_registration(node)
        if node.kind == "Condition" and node.name in gates:
            yield from _check_conditions(node)
    if gates:
        yield from _check_limits(pipeline)


def _check_registration(node: Node) -> Iterator[Problem]:
    if node.branch is None:
        yield Problem(node.name, "", "registers a model that no condition was asked about")
        return
    wanted, status = _STATUS[node.branch[1]], node.arguments.get("ModelApprovalStatus")
    if status != wanted:
        way = "lets through" if node.branch[1] else "rejects"
        what = f"{_shown(status)}, where {node.branch[0]} {way}: it has to be {wanted}, a person approves"
        yield Problem(node.name, "ModelApprovalStatus", what)


def _check_conditions(node: Node) -> Iterator[Problem]:
    wanted = {f"gate.{rule.key}": f"Parameters.{rule.parameter}" for rule in GATE}
    wanted |= {f"gate.{FAILED_CHECKS}": "0"}
    for index, condition in enumerate(node.arguments["Conditions"]):
        field = f"Conditions[{index}]"
        if condition["Type"] != _AT_MOST:
            what = f"{condition['Type']} lets through what has to be at most its limit: {_AT_MOST} is needed"
            yield Problem(node.name, f"{field}.Type", what)
            continue
        number = _number(condition["LeftValue"])
        if number not in wanted:
            what = f"{_shown(condition['LeftValue'])} is none of the gate's numbers, or asked for twice"
            yield Problem(node.name, f"{field}.LeftValue", what)
            continue
        limit = wanted.pop(number)
        if _limit(condition["RightValue"]) != limit:
            what = f"{_shown(condition['RightValue'])} is not the limit of {number}, which is {limit}"
            yield Problem(node.name, f"{field}.RightValue", what)
    for number, limit in wanted.items():
        yield Problem(node.name, "Conditions", f"nothing asks that {number} is at most {limit}")


def _number(value: Any) -> str | None:
    """Return the path of a number that Evaluate wrote; None for anything else."""
    file = inside(value, "Std:JsonGet.PropertyFile.Get") if isinstance(value, Mapping) else None
    if not str(file).startswith(f"Steps.{EVALUATE}.PropertyFiles."):
        return None
    return str(inside(value["Std:JsonGet"], "Path"))


def _limit(value: Any) -> str:
    return str(value.get("Get")) if isinstance(value, Mapping) else str(value)


def _check_limits(pipeline: Pipeline) -> Iterator[Problem]:
    for rule in GATE:
        declared = pipeline.parameters.get(rule.parameter, {})
        try:
            GateConfig.model_validate({rule.limit: declared.get("DefaultValue")}, strict=False)
        except ValidationError as error:
            what = f"{_shown(declared.get('DefaultValue'))} is no limit: {error.errors()[0]['msg']}"
            yield Problem(PIPELINE, f"Parameters.{rule.parameter}", what)


def check_failures(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield failures whose text is none: the service takes a text, or a joined one."""
    for node in pipeline.nodes:
        if node.kind == "Fail":
            text = node.arguments.get("ErrorMessage")
            texts = pipeline.values(text) if isinstance(text, Mapping) and is_expression(text) else [text]
            kinds = {kind_of(each) for each in texts}
            if kinds - {"text"}:
                what = f"{_shown(text)} is a {', '.join(sorted(kinds))}; the service takes a text"
                yield Problem(node.name, "ErrorMessage", what)


def _shown(value: Any) -> str:
    return say(value) if is_expression(value) else repr(value)[:60]
