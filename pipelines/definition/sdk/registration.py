"""The steps that put a candidate into the model registry, with what a package says about itself."""

from __future__ import annotations

from boomerang.gate import GATE, property_name
from boomerang.metrics import METRICS_FILE
from pipelines.campaign.entry import POISON
from pipelines.definition.sdk.candidate import Candidate, metric
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import (
    DriftCheckBaselines,
    Join,
    MetricsSource,
    ModelBuilder,
    ModelMetrics,
    ModelStep,
)
from pipelines.definition.sdk.jobs import THROTTLED, Variable
from pipelines.definition.sdk.package_card import card, config_digest, verdict

_REJECTED = "Rejected"


def register(draft: Draft, name: str, status: str, candidate: Candidate) -> ModelStep:
    """Return the step that puts the candidate into the registry with what was measured on it.

    What was measured is the baseline too that a drift is later held against. CreateModelPackage takes no
    reason for a status, so the gate's reasons are the description.
    """
    site, passed = draft.site, status != _REJECTED
    builder = ModelBuilder(
        sagemaker_session=draft.session,
        role_arn=site.roles.training,
        image_uri=site.image,
        s3_model_data_url=candidate.model,
        dependencies=None,  # else registering looks for code to upload
    )
    statistics = MetricsSource(
        content_type="application/json", s3_uri=Join(on="/", values=[candidate.evaluation, METRICS_FILE])
    )
    package = builder.register(
        model_package_group_name=site.package_group,
        approval_status=status,
        description=Join(on="", values=list(verdict(passed=passed))),
        model_metrics=ModelMetrics(model_statistics=statistics),
        drift_check_baselines=DriftCheckBaselines(model_statistics=statistics),
        customer_metadata_properties=_metadata(draft, candidate),
        model_card=card(draft, candidate, passed=passed),
    )
    return ModelStep(name=name, step_args=package, retry_policies=[THROTTLED])


def _metadata(draft: Draft, candidate: Candidate) -> dict[str, Variable]:
    """Return what a package says about itself: texts of at most 256 characters, no braces or commas.

    The image holds the code, so its digest is that of the code too.
    """
    numbers = {property_name(rule.key): _text(f"gate.{rule.key}") for rule in GATE}
    limits = {rule.parameter: _said(draft.limits[rule.limit]) for rule in GATE}
    signed = {"ModelSignature": candidate.name, "EvaluationSignature": "evaluation"}
    return {
        "Campaign": draft.config.name,
        "ConfigDigest": config_digest(draft),
        "RecipeDigest": draft.inputs.configs[POISON].rpartition("/")[2],
        "ImageDigest": draft.site.image.rpartition("@")[2],
        "Model": candidate.name,
        "ModelDigest": metric(f"models.{candidate.name}.digest"),
        "DatasetDigest": metric("data.digests.train"),
        "CanaryDigest": metric("canaries.digest"),
        "ProbesDigest": metric("probes.digest"),
        **{key: candidate.signatures[made] for key, made in signed.items() if candidate.signatures},
        **numbers,
        **limits,
    }


def _text(path: str) -> Join:
    """Return a number of `metrics.json` as a text."""
    return _said(metric(path))


def _said(value: Variable) -> Join:
    return Join(on="", values=[value])
