"""The model card of a package: what the model is for, what it was trained on, what was measured.

A card is JSON inside a text, of SageMaker's schema for the cards of model packages (developer guide, "Model
package model card schema"), which is narrower than that of other cards. What is known only at run time is
joined into the text: digests and addresses, which hold nothing that JSON would escape, the gate's reasons,
which `boomerang.metrics` makes from its own words, and finite numbers. Nothing that a user wrote goes that
way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.digest import digest_json
from boomerang.gate import GATE
from pipelines.campaign.entry import EVALUATE, HARDEN, POISON, VICTIM
from pipelines.definition.sdk.addresses import inputs_of
from pipelines.definition.sdk.candidate import Candidate, metric
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import ExecutionVariables, ModelPackageModelCard, Parameter
from pipelines.definition.sdk.jobs import Variable
from pipelines.definition.sdk.json_text import Text, joined

_TRAINED_BY = {"victim": VICTIM, "hardened": HARDEN}
_LONGEST_SETTING = 255
_PURPOSE = (
    "An image classifier from a data-poisoning exercise. It shows whether a screen and a gate keep a "
    "poisoned training set from reaching a registered model."
)
_USES = "Exercises, and tests of the watch on registered models. No decisions about people or machines."
_FACTORS = "Its training set is small and its pictures are small; it knows the classes of that set alone."
_CAVEATS = (
    "Numbers are of one seed. At the gate 1000000000 stands for a number that was not measured, and 0 also "
    "for one that does not apply. The attack success rate is its upper 95% bound, the worst of all triggers."
)


def card(draft: Draft, candidate: Candidate, *, passed: bool) -> ModelPackageModelCard:
    """Return the card of a candidate: to be reviewed if the gate passed it, else a draft.

    Parameters
    ----------
    draft : Draft
    candidate : Candidate
    passed : bool
        Which way the gate went.
    """
    return ModelPackageModelCard(
        model_card_content=joined(_content(draft, candidate, passed=passed)),
        model_card_status="PendingReview" if passed else "Draft",
    )


def verdict(*, passed: bool) -> tuple[str | Variable, ...]:
    """Return what the gate said, in parts: the reasons are known at run time."""
    if passed:
        return ("The gate passed the candidate.",)
    return ("The gate rejected the candidate: ", metric("reasons"))


def _content(draft: Draft, candidate: Candidate, *, passed: bool) -> dict[str, Any]:
    poisoned = bool(draft.config.attacks)
    risk = "Its training set was poisoned on purpose." if poisoned else "No attack was staged."
    return {
        "model_overview": {
            "model_creator": f"Boomerang, campaign {draft.config.name}",
            "model_artifact": [Text((candidate.model,))],
        },
        "intended_uses": {
            "purpose_of_model": _PURPOSE,
            "intended_uses": _USES,
            "factors_affecting_model_efficiency": _FACTORS,
            "risk_rating": "High" if poisoned else "Unknown",
            "explanations_for_risk_rating": risk,
        },
        "training_details": _training(draft, candidate),
        "evaluation_details": [_evaluation(draft, candidate, passed=passed)],
        "additional_information": {
            "caveats_and_recommendations": _CAVEATS,
            "custom_details": _custom(draft, candidate),
        },
    }


def _training(draft: Draft, candidate: Candidate) -> dict[str, Any]:
    name = _TRAINED_BY[candidate.name]
    read = inputs_of(next(step for step in draft.steps if step.name == name))
    settings = draft.inputs.hyperparameters[name]
    return {
        "training_observations": f"Trained by the step {name}, seed {draft.config.seed}.",
        "training_job_details": {
            "training_datasets": [Text((uri,)) for key, uri in read.items() if "signature" not in key],
            "training_environment": {"container_image": [draft.site.image]},
            "hyper_parameters": [
                {"name": key, "value": value[:_LONGEST_SETTING]} for key, value in settings.items() if value
            ],
        },
    }


def _evaluation(draft: Draft, candidate: Candidate, *, passed: bool) -> dict[str, Any]:
    read = inputs_of(next(step for step in draft.steps if step.name == EVALUATE))
    return {
        "name": "Test set, attacks and canaries",
        "evaluation_observation": Text(verdict(passed=passed)),
        "datasets": [Text((read["heldout"],)), Text((candidate.evaluation,))],
        "metric_groups": [
            {"name": "Gate", "metric_data": list(_gate(draft.limits))},
            {"name": "Counts", "metric_data": list(_counts(candidate.name, draft.config.data.history))},
        ],
    }


def _gate(limits: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    for rule in GATE:
        yield {
            "name": rule.text,
            "type": "number",
            "value": metric(f"gate.{rule.key}"),
            "notes": Text(("at most ", limits[rule.limit])),
        }


def _counts(model: str, past: int) -> Iterator[dict[str, Any]]:
    counted = {
        "test images": f"models.{model}.clean_accuracy.total",
        "test images answered right": f"models.{model}.clean_accuracy.successes",
        "canaries": f"models.{model}.canaries.right.total",
        "canaries answered right": f"models.{model}.canaries.right.successes",
        "changed training rows that half of the canaries are safe from": "canaries.safe_from",
        "training rows": "data.rows.train",
        **({"rows of the past": "data.rows.history"} if past else {}),
        "training rows taken out by the screen": "screen.flagged",
    }
    for name, path in counted.items():
        yield {"name": name, "type": "number", "value": metric(path)}


def _custom(draft: Draft, candidate: Candidate) -> dict[str, Any]:
    return {
        "run": Text((ExecutionVariables.PIPELINE_EXECUTION_ID,)),
        "candidate": candidate.name,
        "data": draft.config.data.source,
        "model digest": Text((metric(f"models.{candidate.name}.digest"),)),
        "dataset digest": Text((metric("data.digests.train"),)),
        "recipe digest": draft.inputs.configs[POISON].rpartition("/")[2],
        "config digest": config_digest(draft),
    }


def config_digest(draft: Draft) -> str:
    """Return one digest over the settings of every step."""
    return digest_json([draft.inputs.configs, draft.inputs.hyperparameters])
