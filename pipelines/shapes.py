"""A definition held against the service's own API shapes, offline.

SageMaker checks the arguments of a step when the step starts, which may be an hour into a run. The
shapes that it checks against come with botocore. Expressions are replaced by stand-ins of the type
that they have at run time; then each step's arguments are checked as the request they become.
`botocore.validate` checks names, types and least lengths; enums, patterns and greatest lengths, which
it leaves to the service, are checked here.
"""

# botocore ships no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

# What the service adds to each kind of step, and the operation that the step then becomes.
_JOBS: dict[str, tuple[str, dict[str, str]]] = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "stand-in"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "stand-in"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
_STEP_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,63}")
_STAND_IN = "s3://stand-in/a"
_STEP_OUTPUT = re.compile(
    r"Steps\.(?P<step>[^.]+)\.(?:ProcessingOutputConfig\.Outputs\['(?P<output>[^']+)'\]\.S3Output\.S3Uri"
    r"|PropertyFiles\.(?P<file>.+)|ModelArtifacts\.S3ModelArtifacts)"
)


def check_shapes(definition: Mapping[str, Any]) -> list[str]:
    """Return what the service would refuse in a pipeline definition; an empty list if nothing.

    Parameters
    ----------
    definition : mapping
        A parsed definition.
    """
    parameters = {entry["Name"]: entry["DefaultValue"] for entry in definition["Parameters"]}
    steps = list(all_steps(definition["Steps"]))
    problems = _check_names([step["Name"] for step in steps])
    made = {step["Name"]: _made(step) for step in steps}
    for step in steps:
        problems += [f"{step['Name']}: {text}" for text in _check_references(step, parameters, made)]
        if step["Type"] in _JOBS:
            problems += [f"{step['Name']}: {text}" for text in _check_request(step, parameters)]
    return problems


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield steps in order, those of a condition's branches after the condition."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from all_steps(step["Arguments"].get(branch, []))


def _check_names(names: list[str]) -> list[str]:
    problems = [f"two steps are called {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    return problems + [f"{name} cannot name a step" for name in names if not _STEP_NAME.fullmatch(name)]


def _made(step: Mapping[str, Any]) -> set[str]:
    """Return what other steps may refer to: outputs, property files, the model."""
    outputs = step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
    made = {f"output {output['OutputName']}" for output in outputs}
    made |= {f"file {file['PropertyFileName']}" for file in step.get("PropertyFiles", [])}
    return made | ({"model"} if step["Type"] == "Training" else set())


def _check_references(
    step: Mapping[str, Any], parameters: Mapping[str, Any], made: Mapping[str, set[str]]
) -> Iterator[str]:
    own = {key: value for key, value in step["Arguments"].items() if key not in ("IfSteps", "ElseSteps")}
    for name in gets(own):
        kind, _, rest = name.partition(".")
        if kind == "Parameters" and rest not in parameters:
            yield f"refers to the parameter {rest}, which is not declared"
        if kind == "Steps" and not _is_made(name, made):
            yield f"refers to {name}, which no step makes"
    for other in step.get("DependsOn", []):
        if other not in made:
            yield f"depends on {other}, which does not exist"


def _is_made(name: str, made: Mapping[str, set[str]]) -> bool:
    match = _STEP_OUTPUT.fullmatch(name)
    if match is None:
        return False
    step, output, file = match["step"], match["output"], match["file"]
    wanted = f"output {output}" if output else f"file {file}" if file else "model"
    return wanted in made.get(step, set())


def gets(value: Any) -> Iterator[str]:
    """Yield the name behind every `Get` of a value: `Steps.A.X`, `Parameters.P`, `Execution.E`."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            yield value["Get"]
        for inner in value.values():
            yield from gets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from gets(inner)


def _check_request(step: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    operation, added = _JOBS[step["Type"]]
    shape = _service().operation_model(operation).input_shape
    request = {**_stand_in(step["Arguments"], parameters), **added}
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    else:
        yield from _check_limits(request, shape, operation)


@cache
def _service() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def _stand_in(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Replace expressions by values of the type that they have at run time."""
    if isinstance(value, list):
        return [_stand_in(inner, parameters) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Get"}:
        kind, _, name = str(value["Get"]).partition(".")
        return parameters.get(name, "") if kind == "Parameters" else _STAND_IN
    if set(value) in ({"Std:Join"}, {"Std:JsonGet"}):
        return _STAND_IN
    return {key: _stand_in(inner, parameters) for key, inner in value.items()}


def _check_limits(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Yield the enums, patterns and greatest lengths that a value of the right type breaks."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            yield from _check_limits(inner, shape.members[key], f"{where}.{key}")
    elif shape.type_name == "list":
        yield from _check_most(len(value), shape, where)
        for index, inner in enumerate(value):
            yield from _check_limits(inner, shape.member, f"{where}[{index}]")
    elif shape.type_name == "map":
        yield from _check_most(len(value), shape, where)
        for key, inner in value.items():
            yield from _check_limits(key, shape.key, f"{where} key {key}")
            yield from _check_limits(inner, shape.value, f"{where}.{key}")
    elif shape.type_name == "string":
        yield from _check_text(value, shape, where)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _check_most(value, shape, where)


def _check_most(size: float, shape: Shape, where: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and size > most:
        yield f"{where}: {size}, at most {most} are taken"


def _check_text(value: str, shape: Shape, where: str) -> Iterator[str]:
    yield from _check_most(len(value), shape, where)
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"{where}: '{value}' is none of the {len(choices)} values that are taken"
    pattern = shape.metadata.get("pattern")
    # Python knows no classes like \p{L}; a pattern with one is left to the service.
    if pattern and r"\p" not in pattern and not re.fullmatch(pattern, value):
        yield f"{where}: '{value}' does not match {pattern}"
