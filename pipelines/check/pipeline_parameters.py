"""The parameters that a user may set when starting the pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.findings import Problem
from pipelines.check.problems import PIPELINE, hint, kind_of
from pipelines.check.requests import check_value
from pipelines.check.service import request_shape
from pipelines.check.view import Pipeline

_TYPES: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "String": ("text", str),
    "Integer": ("whole number", int),
    "Float": ("number", (int, float)),
    "Boolean": ("boolean", bool),
}


def check_parameters(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield parameters of one name, and those whose default or allowed values do not fit."""
    declared = pipeline.definition.get("Parameters", [])
    names = [parameter["Name"] for parameter in declared]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(PIPELINE, f"Parameters.{name}", f"{names.count(name)} parameters have this name")
    yield from _check_as_request(names)
    for parameter in declared:
        yield from _check_parameter(parameter, f"Parameters.{parameter['Name']}")


def _check_as_request(names: list[str]) -> Iterator[Problem]:
    """Yield names that StartPipelineExecution would refuse, and more of them than it takes."""
    given = [{"Name": name, "Value": ""} for name in names]
    shape = request_shape("StartPipelineExecution").members["PipelineParameters"]
    yield from check_value(given, shape, PIPELINE, "Parameters")


def _check_parameter(parameter: Mapping[str, Any], field: str) -> Iterator[Problem]:
    called, kind = _TYPES[parameter["Type"]]
    allowed = parameter.get("EnumValues")
    for value in [*([parameter["DefaultValue"]] if "DefaultValue" in parameter else []), *(allowed or [])]:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            yield Problem(PIPELINE, field, f"{value!r} is a {kind_of(value)}, the parameter is a {called}")
    if allowed is not None and parameter.get("DefaultValue") not in allowed:
        what = f"the default {parameter.get('DefaultValue')!r} is none of EnumValues"
        yield Problem(
            PIPELINE, f"{field}.DefaultValue", f"{what}{hint(parameter.get('DefaultValue'), allowed)}"
        )
