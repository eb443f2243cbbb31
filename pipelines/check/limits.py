"""What the service documents beside its shapes. Each limit names its source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.findings import Problem
from pipelines.check import lineage_step as lineage
from pipelines.check.arguments import OUTPUTS, at, inside, listed, names
from pipelines.check.problems import PIPELINE
from pipelines.check.requests import check_value
from pipelines.check.service import request_shape, service
from pipelines.check.view import Pipeline
from pipelines.language.graph import Node

# ProcessingS3Input.LocalPath, API reference: "must begin with /opt/ml/processing/. LocalPath is a
# required parameter when AppManaged is False (default)."
_INPUTS_BELOW = "/opt/ml/processing/"
# StoppingCondition.MaxRuntimeInSeconds, API reference: "The maximum value is 28 days."
_LONGEST_TRAINING_S = 28 * 24 * 3600
# SageMaker's quotas: "Maximum number of steps in a pipeline".
_MOST_STEPS = 50


def check_limits(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield names, sizes, paths and times that the service does not take."""
    text = json.dumps(pipeline.definition)
    whole = request_shape("CreatePipeline").members["PipelineDefinition"]
    if len(text) > whole.metadata["max"]:
        yield Problem(PIPELINE, "", f"{len(text)} characters, at most {whole.metadata['max']} are taken")
    if (count := len(pipeline.definition["Steps"])) > _MOST_STEPS:
        yield Problem(PIPELINE, "Steps", f"{count} steps, at most {_MOST_STEPS} are taken")
    for node in pipeline.nodes:
        yield from check_value(node.name, service().shape_for("StepName"), node.name, "Name")
        if node.kind == "Processing":
            yield from _check_processing(node)
        if node.kind == "Training":
            yield from _check_training(node)
        if node.kind == lineage.KIND:
            yield from lineage.check_names(node)


def _check_processing(node: Node) -> Iterator[Problem]:
    yield from _check_distinct(node, "ProcessingInputs", "InputName")
    yield from _check_distinct(node, OUTPUTS, "OutputName")
    for entry in listed(at(node, "ProcessingInputs")):
        yield from _check_path(node, entry)


def _check_path(node: Node, entry: Mapping[str, Any]) -> Iterator[Problem]:
    field = f"ProcessingInputs['{entry.get('InputName')}'].S3Input.LocalPath"
    path = inside(entry, "S3Input.LocalPath")
    if path is None and not entry.get("AppManaged") and "DatasetDefinition" not in entry:
        yield Problem(node.name, field, "is missing")
    if isinstance(path, str) and not path.startswith(_INPUTS_BELOW):
        yield Problem(node.name, field, f"{path} does not begin with {_INPUTS_BELOW}")


def _check_training(node: Node) -> Iterator[Problem]:
    yield from _check_distinct(node, "InputDataConfig", "ChannelName")
    runtime = at(node, "StoppingCondition.MaxRuntimeInSeconds")
    wait = at(node, "StoppingCondition.MaxWaitTimeInSeconds")
    if isinstance(runtime, int) and runtime > _LONGEST_TRAINING_S:
        what = f"{runtime}, at most {_LONGEST_TRAINING_S} (28 days) are taken"
        yield Problem(node.name, "StoppingCondition.MaxRuntimeInSeconds", what)
    # StoppingCondition.MaxWaitTimeInSeconds, API reference: "must be equal to or greater than
    # MaxRuntimeInSeconds".
    if isinstance(runtime, int) and isinstance(wait, int) and wait < runtime:
        what = f"{wait} is less than MaxRuntimeInSeconds, {runtime}"
        yield Problem(node.name, "StoppingCondition.MaxWaitTimeInSeconds", what)


def _check_distinct(node: Node, field: str, key: str) -> Iterator[Problem]:
    called = names(at(node, field), key)
    for name in sorted({name for name in called if called.count(name) > 1}):
        yield Problem(node.name, f"{field}['{name}']", f"{called.count(name)} entries have this name")
