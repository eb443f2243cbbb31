"""What a model package of SageMaker's registry was registered with, held against its own record.

Who can write to the bucket can change `metrics.json` there; the digests in the package's record they cannot.
So these decide: of the model's weights, of the canary records, and of the probes of all attacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aws.client import Client
from boomerang.config import validate
from boomerang.errors import AwsError, IntegrityError
from boomerang.metrics import Metrics
from boomerang.safeio import load_json

Description = Mapping[str, Any]


def addresses(package: Description) -> tuple[str, str]:
    """Return where a package's `model.tar.gz` and its `metrics.json` are; AwsError if it does not say."""
    match package:
        case {
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": str(model)}, *_]},
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": str(metrics)}}},
        }:
            return model, metrics
    what = f"model package {package.get('ModelPackageArn')}"
    raise AwsError(what, "it names no model or no metrics", "register it by the pipeline")


def said_of(package: Description) -> dict[str, str]:
    """Return what a package says of itself: its customer metadata."""
    return dict(package.get("CustomerMetadataProperties") or {})


def signatures(package: Description, names: Iterable[str]) -> dict[str, str]:
    """Return the prefix that the signature of each part lies under: `model`, or a place in `evaluation`.

    Raises
    ------
    IntegrityError
        If the package names none.
    """
    said = said_of(package)
    if absent := [key for key in ("ModelSignature", "EvaluationSignature") if not said.get(key)]:
        do = "run the pipeline of a range that signs, and reject this package"
        raise IntegrityError("the package is not signed", f"it names no {' and no '.join(absent)}", do)
    model, evaluation = said["ModelSignature"], said["EvaluationSignature"]
    return {name: model if name == "model" else f"{evaluation}/{name}" for name in names}


def registered_metrics(package: Description, target: Path, client: Client) -> Metrics:
    """Fetch the `metrics.json` of a package to a file, and return it.

    Parameters
    ----------
    package : mapping
        As DescribeModelPackage says.
    target : Path
    client : Client

    Raises
    ------
    IntegrityError
        If a digest in it is not the one that was registered.
    AwsError
        If it cannot be fetched.
    """
    _, uri = addresses(package)
    client.fetch(uri, target)
    metrics = validate(Metrics, load_json(target), where=uri)
    said = said_of(package)
    name = said.get("Model", metrics.candidate)
    if name not in metrics.models:
        raise _changed(f"they do not have its model '{name}'")
    found = {
        "ModelDigest": metrics.models[name].digest,
        "CanaryDigest": metrics.canaries.digest,
        "ProbesDigest": metrics.probes.digest,
    }
    if other := [key for key, digest in found.items() if said.get(key) != digest]:
        raise _changed(f"{' and '.join(other)} in them are not those that were registered")
    return metrics


def _changed(why: str) -> IntegrityError:
    return IntegrityError("the package's metrics have been changed", why, "reject the package")
