"""What the expressions of one run see, and a job step's plan from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from boomerang.safeio import load_json
from pipelines.language.expressions import Scope, resolve
from pipelines.language.graph import Node
from pipelines.language.job_plan import Plan, plan
from pipelines.runs.records import now
from pipelines.runs.storage import Store


def run_scope(run_id: str, parameters: Mapping[str, Any], nodes: Sequence[Node], store: Store) -> Scope:
    """Return what the expressions of a run can refer to, before its first step."""
    files = {
        (node.name, entry["PropertyFileName"]): entry
        for node in nodes
        for entry in node.step.get("PropertyFiles", [])
    }

    # A gate asks a file a dozen numbers: it is parsed once.
    @cache
    def property_file(step: str, name: str) -> Any:
        entry = files[step, name]
        made = scope.properties[step]["ProcessingOutputConfig"]["Outputs"]
        return load_json(store.path(made[entry["OutputName"]]["S3Output"]["S3Uri"]) / entry["FilePath"])

    scope = Scope(parameters, {"PipelineExecutionId": run_id, "StartDateTime": now()}, {}, property_file)
    return scope


def job_plan(node: Node, scope: Scope) -> Plan:
    """Return the plan of a job step in a run."""
    run_id = scope.execution["PipelineExecutionId"]
    return plan(node.name, node.kind, resolve(node.arguments, scope), f"{run_id}-{node.name}")
