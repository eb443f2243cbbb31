"""Everything that one part of a definition says of another: it is there, and of the kind that is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.errors import ConfigError
from boomerang.findings import Problem
from pipelines.check import lineage_step as lineage
from pipelines.check.arguments import OUTPUTS, at, names
from pipelines.check.language import parts_of
from pipelines.check.problems import PIPELINE, SCALARS, below, hint, said
from pipelines.check.view import Pipeline, expressions, kind_of_value, say
from pipelines.language.graph import Node


def check_references(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield every reference to a step, output, property file, parameter or variable that there is not."""
    outside = {key: pipeline.definition.get(key) for key in ("PipelineExperimentConfig", "MlflowConfig")}
    yield from _check_expressions(pipeline, PIPELINE, outside)
    for node in pipeline.nodes:
        yield from _check_expressions(pipeline, node.name, node.arguments)
        yield from _check_functions(node.name, node.arguments, "")
        yield from _check_names(pipeline, node)
        if node.kind == lineage.KIND:
            yield from lineage.check_siblings(node)


def _check_expressions(pipeline: Pipeline, step: str, value: Any) -> Iterator[Problem]:
    for field, expression in expressions(value):
        try:
            pipeline.kind(expression)
        except ConfigError as error:
            yield Problem(step, field, said(error))


def _check_functions(step: str, value: Any, field: str) -> Iterator[Problem]:
    """Yield functions that the language does not have, such as `Std:Jion`."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _check_functions(step, inner, f"{field}[{index}]")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.startswith("Std:") and (len(value) > 1 or key not in ("Std:Join", "Std:JsonGet")):
                yield Problem(
                    step, field, f"there is no function {key}{hint(key, ('Std:Join', 'Std:JsonGet'))}"
                )
            yield from _check_functions(step, inner, below(field, key))


def _check_names(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    for other in node.step.get("DependsOn", []):
        if other not in pipeline.by_name:
            yield Problem(
                node.name, "DependsOn", f"there is no step '{other}'{hint(other, pipeline.by_name)}"
            )
    outputs = names(at(node, OUTPUTS), "OutputName")
    for file in node.step.get("PropertyFiles", []):
        name, made = file["PropertyFileName"], file["OutputName"]
        if made not in outputs:
            what = f"the step has no output '{made}'{hint(made, outputs)}"
            yield Problem(node.name, f"PropertyFiles['{name}'].OutputName", what)


def check_conditions(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield conditions whose sides cannot be compared."""
    for node in pipeline.nodes:
        if node.kind == "Condition":
            for index, condition in enumerate(node.arguments["Conditions"]):
                yield from _check_condition(pipeline, node.name, condition, f"Conditions[{index}]")


def _check_condition(
    pipeline: Pipeline, step: str, condition: Mapping[str, Any], field: str
) -> Iterator[Problem]:
    for key, inner in parts_of(condition):
        yield from _check_condition(pipeline, step, inner, below(field, key))
    if "LeftValue" in condition:
        yield from _check_sides(pipeline, step, condition, field)


def _check_sides(
    pipeline: Pipeline, step: str, condition: Mapping[str, Any], field: str
) -> Iterator[Problem]:
    sides = {key: condition[key] for key in ("LeftValue", "RightValue")}
    try:
        kinds = {key: kind_of_value(pipeline, side) for key, side in sides.items()}
    except ConfigError:
        return  # named as a reference already
    for key, kind in kinds.items():
        place = below(field, key)
        if kind not in (*SCALARS, "unknown"):
            yield Problem(step, place, f"a {kind} cannot be compared")
        elif condition["Type"] != "Equals" and kind not in ("number", "unknown"):
            shown = say(sides[key]) if isinstance(sides[key], Mapping) else repr(sides[key])
            yield Problem(step, place, f"{shown} is a {kind}; {condition['Type']} compares numbers")
    if condition["Type"] == "Equals" and "unknown" not in kinds.values() and len(set(kinds.values())) > 1:
        yield Problem(step, field, f"a {kinds['LeftValue']} never equals a {kinds['RightValue']}")
