"""What SageMaker's step caching goes by."""

from __future__ import annotations

from typing import Any

from pipelines.language.graph import Node

# "Default cache key attributes by pipeline step type", SageMaker developer guide. Nothing else of a
# step is compared: not its machines, its time limit, nor where its outputs go.
ATTRIBUTES = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        *("AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations"),
        *("Environment", "HyperParameters", "InputDataConfig"),
    ),
}


def key_attributes(node: Node) -> dict[str, Any]:
    """Return those arguments of a job step that decide whether an earlier run of it is reused."""
    return {name: node.arguments[name] for name in ATTRIBUTES.get(node.kind, ()) if name in node.arguments}
