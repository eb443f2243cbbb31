"""The service's own description of itself, which comes with botocore: requests, and what a job has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import botocore
from botocore.loaders import create_loader
from botocore.model import ServiceModel, Shape

from boomerang.errors import ConfigError
from pipelines.check.arguments import names
from pipelines.check.problems import hint
from pipelines.language.graph import Node

# What may be read of a step is what the service would tell of the job that the step becomes.
_DESCRIBED = {
    "Processing": "DescribeProcessingJob",
    "Training": "DescribeTrainingJob",
    "RegisterModel": "DescribeModelPackage",
    "Model": "DescribeModel",
}
# What a Lineage step has: the ARN of each entity by its name, which may be known at run time alone.
_ARNS = ("ActionArns", "ArtifactArns", "ContextArns")
_SCALARS = {
    **dict.fromkeys(("string", "timestamp"), "text"),
    **dict.fromkeys(("integer", "long", "float", "double"), "number"),
    "boolean": "boolean",
}
# Lists whose entries the language calls by name.
_NAMED = {"Outputs": "OutputName", "ProcessingInputs": "InputName"}


@cache
def service() -> ServiceModel:
    """Return the description of SageMaker."""
    # Not by a session, which looks for a profile of AWS that need not be there.
    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def request_shape(operation: str) -> Shape:
    """Return the shape of an operation's request."""
    return service().operation_model(operation).input_shape


def version() -> str:
    """Return which botocore the shapes come from."""
    return f"botocore {botocore.__version__}"


def scalar_kind(shape: Shape) -> str | None:
    """Return `text`, `number` or `boolean`, or None of a shape that holds others."""
    return _SCALARS.get(shape.type_name)


def property_kind(node: Node, path: Sequence[str | int]) -> str:
    """Return the kind of value that a property of a step has.

    Parameters
    ----------
    node : Node
        The step.
    path : sequence of str or int
        As in `Steps.NAME.` and then, say, `ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri`.

    Raises
    ------
    ConfigError
        If a step of its type has no such property, or this step no output of that name.
    """
    if node.kind == "Lineage" and path[0] in _ARNS and len(path) == 2:
        return "text"
    if node.kind not in _DESCRIBED:
        raise ConfigError(f"{node.name} is a {node.kind} step, which has no properties")
    shape: Shape = service().operation_model(_DESCRIBED[node.kind]).output_shape
    given: Any = node.arguments
    key = node.kind
    for part in path:
        shape, given, key = _inside(node, shape, given, key, part)
    kind = scalar_kind(shape)
    if kind is None:
        raise ConfigError(f"{node.name}: {key} is no single value; it has {', '.join(_members(shape))}")
    return kind


def _inside(node: Node, shape: Shape, given: Any, key: str, part: str | int) -> tuple[Shape, Any, str]:
    """Go one step into a shape and, beside it, into what the step's arguments give."""
    if shape.type_name == "structure" and part in shape.members:
        return shape.members[part], given.get(part) if isinstance(given, Mapping) else None, str(part)
    if shape.type_name == "list" and key in _NAMED and isinstance(part, str):
        called = names(given, _NAMED[key])
        if part not in called:
            what = "input" if key == "ProcessingInputs" else "output"
            raise ConfigError(f"{node.name} has no {what} '{part}'{hint(part, called)}")
        return shape.member, None, part
    if shape.type_name == "list" and isinstance(part, int):
        return shape.member, None, key
    if shape.type_name == "map" and isinstance(part, str):
        return shape.value, None, part
    raise ConfigError(f"{node.name} has no property '{part}'{hint(part, _members(shape))}")


def _members(shape: Shape) -> list[str]:
    return list(shape.members) if shape.type_name == "structure" else []
