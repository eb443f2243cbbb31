"""The canary's job on AWS: `python -m aws.canary GROUP`, in a processing job without network isolation.

It fetches the newest Approved package of the group and its canary records into the job's own inputs, runs
the step on them (`processing.canary`, a process of its own), and publishes what the step left. Which
package that is cannot be known when the pipeline is written, so the job has no inputs but these.

The records lie beside the `metrics.json` that the package was registered with, and are held against the
digest in it. Poison's triggers stay secret from this job: here no attack success rate is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws.client import Client
from aws.publish import publish
from boomerang.config import validate
from boomerang.contract import ROOT_ENV, Job, run_step
from boomerang.errors import AwsError, BadInput, IntegrityError, UsageError
from boomerang.manifest import MANIFEST, read_manifest
from boomerang.metrics import Metrics
from boomerang.safeio import load_json, safe_join, write_json_atomic


def canary(job: Job, group: str, client: Client) -> None:
    """Run the job: see the module.

    Raises
    ------
    BadInput
        If no package is Approved.
    IntegrityError
        If the package and its metrics do not agree, or what the step left was changed.
    AwsError
        If AWS refuses a call; nothing, or not all with `CanaryRan`, is published then.
    """
    arn = next(client.packages(group, "Approved"), None)
    if arn is None:
        raise BadInput(f"package group {group}", "none of its packages is Approved", "approve one")
    prepare(job.root / "processing" / "input", group, arn, client)
    done = subprocess.run([sys.executable, "-m", "processing.canary"], env=_environment(job), check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the step has said why, where SageMaker looks for it
    publish(job.output("metrics"), client)


def _environment(job: Job) -> dict[str, str]:
    return {**os.environ, ROOT_ENV: str(job.root)}


def prepare(inputs: Path, group: str, arn: str, client: Client) -> None:
    """Fetch what the step reads: `config`, `model` and `canaries`."""
    package = client.package(arn)
    model, numbers = _addresses(arn, package)
    client.fetch(model, inputs / "model" / "model.tar.gz")
    client.fetch(numbers, inputs / "registered" / "metrics.json")
    _fetch_folder(numbers.rpartition("/")[0] + "/canaries", inputs / "canaries", client)
    metrics = validate(Metrics, load_json(inputs / "registered" / "metrics.json"), where=numbers)
    (inputs / "config").mkdir(parents=True, exist_ok=True)
    write_json_atomic(inputs / "config" / "config.json", _settings(group, package, metrics))


def _addresses(arn: str, package: Mapping[str, Any]) -> tuple[str, str]:
    """Return where the package's model and its registered metrics are."""
    match package:
        case {
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": str(model)}, *_]},
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": str(metrics)}}},
        }:
            return model, metrics
    raise AwsError(f"model package {arn}", "it names no model or no metrics", "register it by the pipeline")


def _fetch_folder(uri: str, folder: Path, client: Client) -> None:
    """Fetch a committed folder: its manifest says which files it has."""
    client.fetch(f"{uri}/{MANIFEST}", folder / MANIFEST)
    for name in read_manifest(folder).files:
        client.fetch(f"{uri}/{name}", safe_join(folder, name))


def _settings(group: str, package: Mapping[str, Any], metrics: Metrics) -> dict[str, Any]:
    """Return the step's settings, from what the package says of itself and from its metrics.

    The digests in the package's own record cannot be changed by who can write to the bucket.
    """
    said = package.get("CustomerMetadataProperties", {})
    numbers = metrics.models.get(said.get("Model", metrics.candidate))
    if numbers is None:
        raise IntegrityError("the package's metrics", f"they do not have its model '{said['Model']}'")
    digests = (said.get("ModelDigest"), said.get("CanaryDigest"))
    if digests != (numbers.digest, metrics.canaries.digest):
        why = "the digests of model and canary records in it are not those that were registered"
        raise IntegrityError("the package's metrics have been changed", why, "reject the package")
    return {
        "group": group,
        "version": int(package["ModelPackageVersion"]),
        "model": numbers.digest,
        "canaries": metrics.canaries.digest,
        "baseline": numbers.canaries.right.value,
    }


def _group(arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise UsageError("python -m aws.canary", "it takes one argument", "give the model package group")
    return arguments[0]


if __name__ == "__main__":
    run_step(lambda job: canary(job, _group(sys.argv[1:]), Client()))
