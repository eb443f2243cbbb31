"""The steps that put a candidate into the model registry, with what a package says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boomerang.digest import digest_json
from boomerang.metrics import GATE
from pipelines.definition.draft import Draft
from pipelines.definition.jobs import THROTTLED, Variable
from pipelines.definition.sdk import (
    Join,
    JsonGet,
    MetricsSource,
    ModelBuilder,
    ModelMetrics,
    ModelStep,
    PropertyFile,
)
from pipelines.settings import EVALUATE

METRICS = PropertyFile(name="metrics", output_name="evaluation", path="metrics.json")


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


def register(draft: Draft, name: str, status: str, candidate: Candidate) -> ModelStep:
    """Return the step that puts the candidate into the registry with what was measured on it."""
    site = draft.site
    builder = ModelBuilder(
        sagemaker_session=draft.session,
        role_arn=site.roles.training,
        image_uri=site.image,
        s3_model_data_url=candidate.model,
        dependencies=None,  # else registering looks for code to upload
    )
    statistics = MetricsSource(
        content_type="application/json", s3_uri=Join(on="/", values=[candidate.evaluation, "metrics.json"])
    )
    package = builder.register(
        model_package_group_name=site.package_group,
        approval_status=status,
        model_metrics=ModelMetrics(model_statistics=statistics),
        customer_metadata_properties=_metadata(draft, candidate),
    )
    return ModelStep(name=name, step_args=package, retry_policies=[THROTTLED])


def _metadata(draft: Draft, candidate: Candidate) -> dict[str, Variable]:
    """Return what a package says about itself: texts of at most 256 characters, no braces or commas."""
    numbers = {key.title().replace("_", ""): _text(f"gate.{key}") for key, _, _ in GATE}
    signed = {"ModelSignature": candidate.name, "EvaluationSignature": "evaluation"}
    return {
        "Campaign": draft.config.name,
        "ConfigDigest": digest_json([draft.inputs.configs, draft.inputs.hyperparameters]),
        "Model": candidate.name,
        "ModelDigest": metric(f"models.{candidate.name}.digest"),
        "CanaryDigest": metric("canaries.digest"),
        **{key: candidate.signatures[made] for key, made in signed.items() if candidate.signatures},
        **numbers,
    }


def _text(path: str) -> Join:
    """Return a number of `metrics.json` as a text."""
    return Join(on="", values=[metric(path)])
