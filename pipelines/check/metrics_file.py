"""What a JsonGet finds in `metrics.json`: paths held against the model that Evaluate writes by."""

from __future__ import annotations

from collections.abc import Collection
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from boomerang.errors import ConfigError
from boomerang.gate import FAILED_CHECKS, GATE
from boomerang.metrics import METRICS_FILE, MODELS, Metrics
from pipelines.check.problems import hint
from pipelines.language.expressions import path_parts

_KINDS = {str: "text", int: "number", float: "number", bool: "boolean"}


def kind_at(path: str, inputs: Collection[str]) -> str:
    """Return the kind of value at a path of `metrics.json`: `text`, `number` or `boolean`.

    Parameters
    ----------
    path : str
        As a JsonGet has it: `gate.accuracy_drop`.
    inputs : collection of str
        Names of the inputs of the step that writes the file: a model that it is not given is not in it.

    Raises
    ------
    ConfigError
        If nothing, no single value, or possibly null is there.
    """
    parts = path_parts(path)
    gate = [*(rule.key for rule in GATE), FAILED_CHECKS]
    known = {"gate": gate, "models": [name for name in MODELS if name in inputs]}
    keys = known.get(str(parts[0])) if len(parts) > 1 else None
    if keys is not None and parts[1] not in keys:
        raise ConfigError(f"{METRICS_FILE} has no '{parts[0]}.{parts[1]}'{hint(parts[1], keys)}")
    annotation: Any = Metrics
    for part in parts:
        annotation = _inside(_never_null(annotation, path), part, path)
    kind = _KINDS.get(_never_null(annotation, path))
    if kind is None:
        raise ConfigError(f"{METRICS_FILE}: '{path}' is no single value")
    return kind


def _inside(annotation: Any, part: str | int, path: str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if part in annotation.model_fields:
            return annotation.model_fields[str(part)].annotation
        raise ConfigError(f"{METRICS_FILE} has no '{path}'{hint(part, annotation.model_fields)}")
    if get_origin(annotation) is dict and isinstance(part, str):
        return get_args(annotation)[1]
    if get_origin(annotation) is tuple and isinstance(part, int):
        return get_args(annotation)[0]
    raise ConfigError(f"{METRICS_FILE} has no '{path}'", f"nothing lies at '{part}'")


def _never_null(annotation: Any, path: str) -> Any:
    if get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
        raise ConfigError(f"{METRICS_FILE}: '{path}' may be null, which no condition and no text can take")
    return annotation
