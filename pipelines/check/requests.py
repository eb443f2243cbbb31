"""Each step's arguments as the request that they become, held against botocore's shape of it.

botocore itself checks names, types and least lengths before it sends a request; enums, patterns and
greatest lengths it leaves to the service. All of them are in its shapes and are checked here, for every
value that a parameter may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from botocore.model import Shape

from boomerang.findings import Problem
from pipelines.check import lineage_step as lineage
from pipelines.check.package_card import check_card
from pipelines.check.problems import below, entries, hint, kind_of
from pipelines.check.service import request_shape, scalar_kind
from pipelines.check.view import Pipeline, is_expression, say
from pipelines.language.graph import Node

# The operation that each kind of step becomes, and what the service itself adds to its arguments.
OPERATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "stand-in"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "stand-in"}),
    "RegisterModel": ("CreateModelPackage", {}),
    "Model": ("CreateModel", {"ModelName": "stand-in"}),
}
_PLURAL = {"text": "texts", "number": "numbers", "boolean": "booleans", "list": "lists", "object": "objects"}
_HOLDERS = {"structure": "object", "map": "object", "list": "list"}
_SHOWN = 60


def check_requests(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield every argument that the service would refuse."""
    for node in pipeline.nodes:
        if node.kind in OPERATIONS:
            yield from dict.fromkeys(_check_request(pipeline, node))
        if node.kind == lineage.KIND:
            for field, value, shape in lineage.requests_of(node):
                yield from dict.fromkeys(_Holder(node.name, pipeline).hold(value, shape, field))
        if node.kind == "RegisterModel":
            yield from check_card(pipeline, node)


def _check_request(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    operation, added = OPERATIONS[node.kind]
    request = {**node.arguments, **added}
    yield from _Holder(node.name, pipeline).hold(request, request_shape(operation), "")


def check_value(value: Any, shape: Shape, step: str, field: str) -> Iterator[Problem]:
    """Yield what keeps a value without expressions from being of a shape."""
    yield from _Holder(step).hold(value, shape, field)


@dataclass(frozen=True)
class _Holder:
    """Holds the values of one step against shapes."""

    step: str
    pipeline: Pipeline | None = None

    def hold(self, value: Any, shape: Shape, field: str) -> Iterator[Problem]:
        if self.pipeline is not None and is_expression(value):
            for concrete in self.pipeline.values(value):
                for problem in self.hold(concrete, shape, field):
                    yield replace(problem, what=f"{say(value)}: {problem.what}")
            return
        wanted = _HOLDERS.get(shape.type_name) or scalar_kind(shape)
        if wanted is None:
            return
        if kind_of(value) != wanted:
            yield self._problem(
                field, f"{_show(value)} is a {kind_of(value)}; the service takes {_PLURAL[wanted]}"
            )
            return
        yield from self._limits(value, shape, field)
        yield from self._inside(value, shape, field)

    def _problem(self, field: str, what: str) -> Problem:
        return Problem(self.step, field, what)

    def _inside(self, value: Any, shape: Shape, field: str) -> Iterator[Problem]:
        if shape.type_name == "structure":
            yield from self._members(value, shape, field)
        elif shape.type_name == "list":
            for place, entry in entries(value, field):
                yield from self.hold(entry, shape.member, place)
        elif shape.type_name == "map":
            for key, inner in value.items():
                yield from self.hold(key, shape.key, below(field, key))
                yield from self.hold(inner, shape.value, below(field, key))

    def _members(self, value: Mapping[str, Any], shape: Shape, field: str) -> Iterator[Problem]:
        for key in shape.required_members:
            if key not in value:
                yield self._problem(below(field, key), "is missing")
        for key, inner in value.items():
            if key in shape.members:
                yield from self.hold(inner, shape.members[key], below(field, key))
            else:
                what = f"{shape.name} has no such argument{hint(key, shape.members)}"
                yield self._problem(below(field, key), what)

    def _limits(self, value: Any, shape: Shape, field: str) -> Iterator[Problem]:
        size, unit = (value, "") if kind_of(value) == "number" else _length(value)
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if shape.type_name in ("integer", "long") and not isinstance(value, int):
            yield self._problem(field, f"{value} is no whole number")
        if least is not None and size is not None and size < least:
            yield self._problem(field, f"{size}{unit}, at least {least} are needed")
        if most is not None and size is not None and size > most:
            yield self._problem(field, f"{size}{unit}, at most {most} are taken")
        if shape.type_name == "string":
            yield from self._text(value, shape, field)

    def _text(self, value: str, shape: Shape, field: str) -> Iterator[Problem]:
        choices = shape.metadata.get("enum")
        if choices and value not in choices:
            what = f"'{value}' is none of the {len(choices)} values that the service takes"
            yield self._problem(field, f"{what}{hint(value, choices)}")
        pattern = shape.metadata.get("pattern")
        compiled = _compiled(pattern) if pattern else None
        if compiled is not None and not compiled.fullmatch(value):
            yield self._problem(field, f"{_show(value)} does not match {pattern}")


def _length(value: Any) -> tuple[int | None, str]:
    """Return the size of a text, list or object with its unit; a boolean has none."""
    units = {"text": " characters", "list": " entries", "object": " entries"}
    kind = kind_of(value)
    return (len(value), units[kind]) if kind in units else (None, "")


def _show(value: Any) -> str:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""Return a pattern of the service's as Python has it, or None where Python cannot say it.

    `\p{L}`, `\p{N}` and `\p{Z}` become somewhat wider classes, so that nothing is refused which the
    service takes; two patterns end in a count of their end, which says nothing.
    """
    wider = re.sub(r"\$\{1,\d+\}$", "", pattern)
    wider = wider.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\w").replace(r"\p{Z}", r"\s")
    try:
        return re.compile(wider)
    except re.error:
        return None
