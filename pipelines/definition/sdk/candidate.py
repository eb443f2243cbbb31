"""The candidate at the gate, and what the pipeline itself reads of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boomerang.metrics import METRICS_FILE
from pipelines.campaign.entry import EVALUATE
from pipelines.definition.sdk.imports import JsonGet, PropertyFile
from pipelines.definition.sdk.jobs import Variable

METRICS = PropertyFile(name="metrics", output_name="evaluation", path=METRICS_FILE)


@dataclass(frozen=True)
class Candidate:
    """What is registered.

    Attributes
    ----------
    name : str
        Which of the models it is, as `metrics.json` calls it.
    model, evaluation : Variable
        The addresses of its `model.tar.gz` and of what was measured.
    signatures : mapping of str to Variable
        Where the signatures of the model and of `evaluation` are; empty if the site does not sign.
    """

    name: str
    model: Variable
    evaluation: Variable
    signatures: Mapping[str, Variable]


def metric(path: str) -> JsonGet:
    """Return a value of `metrics.json`."""
    return JsonGet(step_name=EVALUATE, property_file=METRICS, json_path=path)
