"""A definition as the checks look at it: its steps in one list, and what its expressions can become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from boomerang.errors import ConfigError
from boomerang.metrics import METRICS_FILE
from pipelines.check.arguments import at, inside, names
from pipelines.check.metrics_file import kind_at
from pipelines.check.problems import SCALARS, below, entries, hint, kind_of
from pipelines.check.service import property_kind
from pipelines.language.expressions import as_text, path_parts, property_file_reference
from pipelines.language.for_each import FOR_EACH
from pipelines.language.graph import Node, flatten

# What `Get` may read of an execution: `ExecutionVariables` of the SDK.
EXECUTION = (
    *("PipelineExecutionId", "PipelineExecutionArn", "PipelineName", "PipelineArn"),
    *("StartDateTime", "CurrentDateTime", "TrainingJobName", "ProcessingJobName"),
)
_FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
_PARAMETER_KINDS = {"String": "text", "Integer": "number", "Float": "number", "Boolean": "boolean"}

# What stands for a value that is known only at run time. The text is an address, as almost all are.
_STAND_INS: Mapping[str, Any] = {"text": "s3://stand-in/a", "number": 1, "boolean": True}


@dataclass(frozen=True)
class Pipeline:
    """A definition that `check_language` found readable."""

    definition: Mapping[str, Any]

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every step, those of a condition's branches after it; for a `ForEach` the runs of its body."""
        return tuple(flatten(self.definition["Steps"]))

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Each step by its name; of two with one name, the first."""
        return {node.name: node for node in reversed(self.nodes)}

    @cached_property
    def parameters(self) -> dict[str, Mapping[str, Any]]:
        """Each parameter's declaration by its name."""
        return {entry["Name"]: entry for entry in self.definition.get("Parameters", [])}

    def kind(self, expression: Mapping[str, Any]) -> str:
        """Return the kind of value an expression has: `text`, `number` or `boolean`.

        Raises
        ------
        ConfigError
            If it names something that is not there, or is no expression of the language.
        """
        ((function, argument),) = expression.items()
        if function == "Std:Join":
            return self._join_kind(argument)
        if function == "Std:JsonGet":
            return self._json_kind(argument)
        return self._get_kind(argument)

    def _join_kind(self, argument: Any) -> str:
        values = inside(argument, "Values")
        if not isinstance(values, list) or not isinstance(argument.get("On", ""), str):
            raise ConfigError("Std:Join", "it needs `Values`, a list, and `On`, a text")
        for value in values:
            if is_expression(value):
                self.kind(value)
            elif kind_of(value) not in SCALARS:
                raise ConfigError("Std:Join", f"{value!r:.60} is no single value")
        return "text"

    def _json_kind(self, argument: Any) -> str:
        path, get = inside(argument, "Path"), inside(argument, "PropertyFile.Get")
        if not isinstance(path, str) or not isinstance(get, str):
            raise ConfigError("Std:JsonGet", "it needs `PropertyFile`, a Get of one, and `Path`, a text")
        step, file = property_file_reference(argument)
        maker = self._maker(step)
        files = {entry["PropertyFileName"]: entry for entry in maker.step.get("PropertyFiles", [])}
        if file not in files:
            raise ConfigError(f"{step} has no property file '{file}'{hint(file, files)}")
        if files[file]["FilePath"] != METRICS_FILE:
            return "unknown"
        return kind_at(path, names(at(maker, "ProcessingInputs"), "InputName"))

    def _get_kind(self, path: Any) -> str:
        parts = (path_parts(path) if isinstance(path, str) else []) or [""]
        if parts[0] == "Parameters" and len(parts) == 2:
            if parts[1] not in self.parameters:
                raise ConfigError(f"there is no parameter '{parts[1]}'{hint(parts[1], self.parameters)}")
            return _PARAMETER_KINDS[self.parameters[str(parts[1])]["Type"]]
        if parts[0] == "Execution" and len(parts) == 2:
            if parts[1] not in EXECUTION:
                raise ConfigError(f"there is no execution variable '{parts[1]}'{hint(parts[1], EXECUTION)}")
            return "text"
        if parts[0] == "Steps" and len(parts) > 2:
            return property_kind(self._maker(str(parts[1])), parts[2:])
        if parts[0] == FOR_EACH:
            raise ConfigError(f"'{path}'", "an item is current inside the body of a ForEach step only")
        raise ConfigError(f"'{path}'", "a Get reads Parameters.X, Execution.X or Steps.X.property")

    def waits_for(self, node: Node) -> frozenset[str]:
        """Return the steps that have to come before one, as far as its references can be read."""
        try:
            return node.waits_for
        except ConfigError:
            return frozenset(node.step.get("DependsOn", ()))

    def _maker(self, step: str) -> Node:
        if step not in self.by_name:
            raise ConfigError(f"there is no step '{step}'{hint(step, self.by_name)}")
        return self.by_name[step]

    def values(self, expression: Mapping[str, Any]) -> list[Any]:
        """Return what an expression may become: every value a parameter may have, else a stand-in.

        An expression that names something that is not there becomes nothing at all.
        """
        try:
            kind = self.kind(expression)
        except ConfigError:
            return []
        source, _, name = str(expression.get("Get", "")).partition(".")
        if source == "Parameters":
            return self._parameter_values(name) or [_STAND_INS[kind]]
        if source == "Execution":
            return ["stand-in"]
        if "Std:Join" in expression:
            joined = expression["Std:Join"]
            return [joined.get("On", "").join(as_text(self.value(part)) for part in joined["Values"])]
        return [_STAND_INS.get(kind, _STAND_INS["text"])]

    def _parameter_values(self, name: str) -> list[Any]:
        declared = self.parameters[name]
        default = [declared["DefaultValue"]] if "DefaultValue" in declared else []
        return [*default, *(each for each in declared.get("EnumValues") or [] if each not in default)]

    def value(self, part: Any) -> Any:
        """Return a value, or the first that an expression may become."""
        return next(iter(self.values(part)), "") if is_expression(part) else part


def is_expression(value: Any) -> bool:
    """Whether a value is computed when the pipeline runs."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _FUNCTIONS


def expressions(value: Any, field: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every expression of a value with its field; those inside a `Std:Join` are part of it."""
    if is_expression(value):
        yield field, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from expressions(inner, below(field, key))
    elif isinstance(value, list):
        for place, inner in entries(value, field):
            yield from expressions(inner, place)


def say(expression: Mapping[str, Any]) -> str:
    """Return an expression as a person says it."""
    ((function, argument),) = expression.items()
    if function == "Get":
        return str(argument)
    return str(argument.get("Path", function)) if function == "Std:JsonGet" else "the joined text"


def kind_of_value(pipeline: Pipeline, value: Any) -> str:
    """Return the kind of a literal, or of what an expression becomes; raises as `Pipeline.kind` does."""
    return pipeline.kind(value) if is_expression(value) else kind_of(value)
