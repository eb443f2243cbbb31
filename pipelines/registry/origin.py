"""Where a registered model came from: every step behind it, back to what came from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json
from boomerang.errors import IntegrityError, StepFailed
from boomerang.manifest import MANIFEST, read_manifest
from pipelines.runs.records import OutputRecord, StepRecord


def facts(
    model_uri: str, metrics_uri: str | None, records: Sequence[StepRecord], run_dir: Path
) -> dict[str, Any]:
    """Return what a package says of its origin.

    Parameters
    ----------
    model_uri : str
        The address of the registered `model.tar.gz`.
    metrics_uri : str or None
        The address of what was measured on it: the steps behind that count too.
    records : sequence of StepRecord
        The steps of the run so far.
    run_dir : Path

    Returns
    -------
    dict
        `lineage`, `sources`, `dataset` and `config`; see `pipelines.registry.local.Package`.
    """
    behind = _behind([uri for uri in (model_uri, metrics_uri) if uri], records)
    maker = next((record for record in behind if _makes(record, model_uri)), None)
    return {
        "lineage": [_step(record, run_dir) for record in behind],
        "sources": _sources(behind, records),
        "dataset": _dataset(maker, records, run_dir) if maker else None,
        "config": {r.name: _settings(r) for r in behind if r.hyperparameters or "config" in r.inputs},
    }


def sayings(step: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a package says of itself in the arguments of CreateModelPackage.

    Raises
    ------
    StepFailed
        If its model card is no JSON: SageMaker would refuse it, after everything has run.
    """
    said = {
        "metadata": arguments.get("CustomerMetadataProperties", {}),
        "description": arguments.get("ModelPackageDescription", ""),
    }
    content = arguments.get("ModelCard", {}).get("ModelCardContent")
    try:
        return said if content is None else said | {"card": json.loads(content)}
    except (TypeError, ValueError) as error:
        raise StepFailed(f"step {step}", f"its model card is no JSON: {error}") from None


def _settings(record: StepRecord) -> str:
    """Return the digest of what a step was told."""
    return (
        digest_json(record.hyperparameters) if record.hyperparameters else record.inputs["config"]["digest"]
    )


def _behind(uris: Sequence[str], records: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the steps that what lies at the addresses was made by, in the order they ran."""
    found: set[str] = set()
    todo = list(uris)
    while todo:
        uri = todo.pop()
        for record in records:
            if record.name not in found and _makes(record, uri):
                found.add(record.name)
                todo += [entry["uri"] for entry in record.inputs.values()]
    return [record for record in records if record.name in found]


def _makes(record: StepRecord, uri: str) -> bool:
    return _output_at(record, uri) is not None


def _output_at(record: StepRecord, uri: str) -> OutputRecord | None:
    """Return the output that an address is, or lies in."""
    for output in record.outputs.values():
        if uri.rstrip("/") == output.uri or uri.startswith(output.uri + "/"):
            return output
    return None


def _step(record: StepRecord, run_dir: Path) -> dict[str, Any]:
    return {
        "step": record.name,
        "key": record.key,
        "made_in": record.cached_from or run_dir.name,
        "inputs": {name: entry["digest"] for name, entry in record.inputs.items()},
        "outputs": {name: _output(output, run_dir) for name, output in record.outputs.items()},
    }


def _output(output: OutputRecord, run_dir: Path) -> dict[str, Any]:
    return {"digest": output.digest} | _manifest(run_dir / output.path)


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the digest and the parents of a committed folder; nothing for any other output."""
    if not (folder / MANIFEST).is_file():
        return {}
    try:
        manifest = read_manifest(folder)
    except IntegrityError:
        return {}  # a manifest.json of some other kind
    return {"manifest": manifest.digest, "parents": manifest.parents}


def _sources(behind: Sequence[StepRecord], records: Sequence[StepRecord]) -> dict[str, str]:
    """Return the digest of each input that no step made: what came from outside."""
    return {
        f"{record.name}.{name}": entry["digest"]
        for record in behind
        for name, entry in record.inputs.items()
        if not any(_makes(other, entry["uri"]) for other in records)
    }


def _dataset(maker: StepRecord, records: Sequence[StepRecord], run_dir: Path) -> Mapping[str, Any] | None:
    """Return what the model was trained on: its maker's input `train`."""
    train = maker.inputs.get("train")
    if train is None:
        return None
    outputs = (_output_at(record, train["uri"]) for record in records)
    made = next((output for output in outputs if output), None)
    return {"digest": train["digest"]} | (_manifest(run_dir / made.path) if made else {})
