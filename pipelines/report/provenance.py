"""Where a run's numbers come from: its steps, digests, seed and versions, and how to get them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from pipelines.report.run_folder import FAIL, Run
from pipelines.runs.records import StepRecord

_ROOT = Path(__file__).resolve().parents[2]


def build(run: Run) -> dict[str, Any]:
    """Return the provenance part of the report's document."""
    config = _portable(run.config)
    return {
        "steps": _steps(run),
        "digests": _digests(run),
        "seed": run.config.get("seed"),
        "versions": dict(run.evaluation.versions) if run.evaluation else {},
        "config": to_toml(config),
        "seconds": run.execution.seconds,
        "file": f"{run.config.get('name', 'config')}.toml",
        "command": f"python -m pipelines run --config {run.config.get('name', 'config')}.toml",
    }


def _steps(run: Run) -> list[dict[str, Any]]:
    """Return the steps, each with when its work began had it all been done in this run, back to back."""
    begun, steps = 0.0, []
    for step in run.execution.steps:
        work_s = step.cached_seconds if step.cached else step.seconds
        steps.append(
            {
                "name": step.name,
                "status": _status(step),
                "begun_s": round(begun, 3),
                "work_s": work_s,
                "cached_from": step.cached_from if step.cached else None,
                "detail": step.detail,
            }
        )
        begun += work_s
    return steps


def _status(step: StepRecord) -> str:
    """Return how a step ended: the gate, and the step that says its rejection, do what they are for."""
    rejects = step.held is False or (step.name == FAIL and step.status == "Failed")
    return "Rejected" if rejects else step.status


def _digests(run: Run) -> list[dict[str, str]]:
    """Return every digest of the run with what it names, each pair once."""
    named: dict[str, str] = {}
    if run.definition_digest:
        named["pipeline definition"] = run.definition_digest
    if run.evaluation is not None:
        metrics = run.evaluation.metrics
        named |= {f"data: {name}": digest for name, digest in metrics.data.digests.items()}
        named |= {f"model: {name}": model.digest for name, model in metrics.models.items()}
        named["canaries"] = metrics.canaries.digest
    for step in run.execution.steps:
        named |= {f"{step.name} → {name}": output.digest for name, output in step.outputs.items()}
    return [{"what": what, "digest": digest} for what, digest in named.items()]


def _portable(config: Mapping[str, Any]) -> Any:
    """Return the config with paths inside the project counted from its folder."""

    def shorten(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: shorten(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shorten(item) for item in value]
        if isinstance(value, str) and value.startswith(f"{_ROOT}/"):
            return Path(value).relative_to(_ROOT).as_posix()
        return value

    return shorten(config)


def to_toml(config: Mapping[str, Any]) -> str:
    """Return a config as TOML; what is None is left out, since TOML cannot say it.

    Reading the text again gives the same config.
    """
    return tomli_w.dumps(_without_none(config))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value if item is not None]
    return value
