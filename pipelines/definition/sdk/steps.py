"""The steps of a campaign's pipeline, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from boomerang.gate import FAILED_CHECKS, GATE
from pipelines.campaign.entry import (
    BASELINE,
    EVALUATE,
    HARDEN,
    POISON,
    PREPROCESS,
    SCREEN,
    VICTIM,
    hardens,
    is_control,
    needs_surrogate,
    repairs_victim,
    takes_over,
)
from pipelines.definition.sdk.candidate import METRICS, Candidate, metric
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import ConditionLessThanOrEqualTo, ConditionStep, FailStep, Join, Step
from pipelines.definition.sdk.jobs import Variable
from pipelines.definition.sdk.lineage_step import trace
from pipelines.definition.sdk.registration import register

# What is registered and signed, as steps are named after it.
CANDIDATE = "Candidate"


def steps(draft: Draft) -> list[Step]:
    """Draw every step.

    Where the site signs, what a training reads is signed as soon as it is made, each thing once, and the
    candidate with what the canary needs at the end; the other models, so that no lineage has a gap.
    """
    config = draft.config
    preprocess = _preprocess(draft)
    clean = {name: preprocess[name] for name in ("train", "validation")}
    signed = draft.sign(PREPROCESS, clean)
    baseline = draft.training(BASELINE, clean, signed)
    poison = _poison(draft, preprocess, baseline)
    channels = {"train": poison["train"], "validation": preprocess["validation"]}
    first = {"baseline": baseline} if config.victim.schedule == "finetune" else {}
    told = {"secret": poison["secret"]} if takes_over(config) else {}
    signed |= draft.sign(POISON, {"train": poison["train"], **first, **told})
    learned = {**channels, **first, **told}
    victim = draft.takeover(VICTIM, learned, signed) if told else draft.training(VICTIM, learned, signed)
    screen = _screen(draft, preprocess, poison, victim)
    models = {"baseline": baseline, "victim": victim}
    unsigned = {name: model for name, model in models.items() if name not in first}
    if hardens(config):
        signed |= draft.sign(SCREEN, {"screen": screen["screen"], **unsigned})
        mended = {"victim": victim} if repairs_victim(config) else {}
        kept = {"screen": screen["screen"]} if config.harden else {}
        given = {**channels, **kept, **mended}
        models["hardened"] = draft.training(HARDEN, given, signed, module="training.harden")
        unsigned = {}
    evaluation = _evaluate(draft, preprocess, poison, screen, models)["evaluation"]
    name, model = list(models.items())[-1]
    made = draft.sign(CANDIDATE, {**unsigned, name: model, "evaluation": evaluation})
    return [*draft.steps, _gate(draft, Candidate(name, model, evaluation, made))]


def _preprocess(draft: Draft) -> dict[str, Variable]:
    inputs = {"pictures": draft.inputs.pictures, "source": draft.inputs.source}
    photos = ["photos"] if draft.inputs.pictures else []
    return draft.shared(PREPROCESS, inputs, ["train", "validation", "heldout", *photos])


def _poison(draft: Draft, preprocess: Mapping[str, Variable], baseline: Variable) -> dict[str, Variable]:
    inputs = {
        "surrogate": baseline if needs_surrogate(draft.config) else None,
        "train": preprocess["train"],
        "photos": preprocess.get("photos"),
        "triggers": draft.inputs.triggers,
    }
    return draft.processing(POISON, inputs, ["train", "secret"])


def _screen(
    draft: Draft, preprocess: Mapping[str, Variable], poison: Mapping[str, Variable], victim: Variable
) -> dict[str, Variable]:
    """Draw the screen, or the control in its place."""
    if is_control(draft.config):
        return draft.control(SCREEN, {name: poison[name] for name in ("train", "secret")}, ["screen"])
    suspect = {"train": poison["train"], "trusted": preprocess["validation"], "model": victim}
    return draft.shared(SCREEN, suspect, ["screen"])


def _evaluate(
    draft: Draft,
    preprocess: Mapping[str, Variable],
    poison: Mapping[str, Variable],
    screen: Mapping[str, Variable],
    models: Mapping[str, Variable],
) -> dict[str, Variable]:
    """Draw the one step of every pipeline that may see the truth."""
    inputs = {
        **{name: preprocess.get(name) for name in ("heldout", "photos")},
        **{name: poison[name] for name in ("train", "secret")},
        "screen": screen["screen"],
        **models,
    }
    arguments = []
    for key, limit in draft.limits.items():
        # A bare number passes the SDK and is refused by the service, whose arguments are texts.
        arguments += [f"--{key.replace('_', '-')}", limit.to_string()]
    return draft.shared(EVALUATE, inputs, ["evaluation"], arguments, [METRICS])


def _gate(draft: Draft, candidate: Candidate) -> ConditionStep:
    """Draw the gate: the candidate is registered either way, and the pipeline fails if it is rejected."""
    passed = register(draft, "Register", "PendingManualApproval", candidate)
    rejected = register(draft, "RegisterRejected", "Rejected", candidate)
    traced = trace(draft, "LineageRejected", rejected, candidate)
    fail = FailStep(
        name="Fail",
        error_message=Join(on=" ", values=["The gate rejected the candidate:", metric("reasons")]),
        depends_on=[traced],
    )
    return ConditionStep(
        name="Gate",
        conditions=[
            *(
                ConditionLessThanOrEqualTo(left=metric(f"gate.{rule.key}"), right=draft.limits[rule.limit])
                for rule in GATE
            ),
            # The verdict itself: whatever a limit is set to, what the verdict rejects is not let through.
            ConditionLessThanOrEqualTo(left=metric(f"gate.{FAILED_CHECKS}"), right=0),
        ],
        if_steps=[passed, trace(draft, "Lineage", passed, candidate)],
        else_steps=[rejected, traced, fail],
    )
