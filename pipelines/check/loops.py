"""How the steps of `ForEach` bodies are called: of their names the service makes those of their runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.findings import Problem
from pipelines.check.requests import check_value
from pipelines.check.service import service
from pipelines.check.view import Pipeline
from pipelines.language.for_each import FOR_EACH

# "Child steps get IDs of the form `<bodyStepName>-<index>`": docstring of the SDK's ForEachStep.
_RUN = re.compile(r"(.+)-\d+")


def loops(pipeline: Pipeline) -> list[Mapping[str, Any]]:
    """Return the `ForEach` steps of a pipeline."""
    return [step for step in pipeline.definition["Steps"] if step["Type"] == FOR_EACH]


def check_loops(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield names that are taken twice, or that the run of a body step may get."""
    repeated = [body["Name"] for loop in loops(pipeline) for body in loop["Arguments"]["ForEachBody"]]
    others = [node.name for node in pipeline.nodes if not node.body]
    names = [*repeated, *others, *(loop["Name"] for loop in loops(pipeline))]
    for name in sorted({name for name in repeated if names.count(name) > 1}):
        yield Problem(name, "Name", f"{names.count(name)} steps have this name")
    for name in names:
        match = _RUN.fullmatch(name)
        if match and match[1] in repeated:
            yield Problem(name, "Name", f"a run of {match[1]} has such a name")
    for loop in loops(pipeline):
        yield from check_value(loop["Name"], service().shape_for("StepName"), loop["Name"], "Name")
