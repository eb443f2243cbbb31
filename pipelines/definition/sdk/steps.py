"""The steps of a campaign's pipeline, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boomerang.gate import FAILED_CHECKS, GATE
from pipelines.campaign.entry import (
    BASELINE,
    EVALUATE,
    HARDEN,
    POISON,
    PREPROCESS,
    SCREEN,
    VICTIM,
    from_baseline,
    hardens,
    is_control,
    needs_surrogate,
    needs_test,
    repairs_victim,
    takes_over,
)
from pipelines.campaign.own_model import is_given
from pipelines.campaign.sections import Config, Role
from pipelines.definition.sdk.candidate import METRICS, Candidate, metric
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import ConditionLessThanOrEqualTo, ConditionStep, FailStep, Join, Step
from pipelines.definition.sdk.jobs import Variable
from pipelines.definition.sdk.lineage_step import trace
from pipelines.definition.sdk.registration import register

# What is registered and signed, as steps are named after it.
CANDIDATE = "Candidate"
# The output of Preprocess, and the input of who learns from it, that holds the rows of the past.
HISTORY = "history"


@dataclass(frozen=True)
class World:
    """What an attacker finds: the clean data by its parts, the clean model, and what is signed of them."""

    data: Mapping[str, Variable]
    baseline: Variable
    signed: Mapping[str, Variable]

    @property
    def past(self) -> dict[str, Variable]:
        """The rows of the past, learned beside the delivery; nothing where there are none."""
        return {HISTORY: self.data[HISTORY]} if HISTORY in self.data else {}


@dataclass(frozen=True)
class Attacked:
    """What an attack leaves: the poisoned data by its parts, the victim, and all that is signed so far."""

    poison: Mapping[str, Variable]
    victim: Variable
    signed: Mapping[str, Variable]


@dataclass(frozen=True)
class Measured:
    """What a defender ends with: each model by its name, those not signed yet, and what was measured."""

    models: Mapping[str, Variable]
    unsigned: Mapping[str, Variable]
    evaluation: Variable


def steps(draft: Draft, *, gated: bool = True) -> list[Step]:
    """Draw every step; without a gate the last is Evaluate, whose verdict nothing acts on.

    Where the site signs, what a training reads is signed as soon as it is made, each thing once, and the
    candidate with what the canary needs at the end; the other models, so that no lineage has a gap.
    """
    world = draw_world(draft)
    attacked = draw_attack(draft, world)
    measured = draw_cell(draft, world, attacked, draw_screen(draft, world, attacked))
    if not gated:
        return draft.steps
    name, model = list(measured.models.items())[-1]
    made = draft.sign(CANDIDATE, {**measured.unsigned, name: model, "evaluation": measured.evaluation})
    return [*draft.steps, _gate(draft, Candidate(name, model, measured.evaluation, made))]


def draw_world(draft: Draft) -> World:
    """Draw the steps before any attack."""
    data = _preprocess(draft)
    known = {name: data[name] for name in ("train", HISTORY, "validation") if name in data}
    signed = draft.sign(PREPROCESS, known)
    learned = {**_learned(draft.config, "baseline", _before(known)), **draft.given(BASELINE)}
    return World(data, draft.training(BASELINE, learned, _before(signed)), signed)


def _learned(config: Config, role: Role, rows: Mapping[str, Variable]) -> dict[str, Variable]:
    """Return the rows that a training is given: of a model that is given itself those it is measured on."""
    return {name: rows[name] for name in rows if name == "validation" or not is_given(config, role)}


def _before(known: Mapping[str, Variable]) -> dict[str, Variable]:
    """Return what there was before the delivery: rows of the past, if there are any, in the place of it."""
    first = {"train": known[HISTORY]} if HISTORY in known else {}
    return {name: value for name, value in {**known, **first}.items() if name != HISTORY}


def draw_attack(draft: Draft, world: World) -> Attacked:
    """Draw the poisoning and the training on it."""
    config = draft.config
    poison = _poison(draft, world.data, world.baseline)
    first = {"baseline": world.baseline} if from_baseline(config) else {}
    told = {"secret": poison["secret"]} if takes_over(config) else {}
    signed = {**world.signed, **draft.sign(POISON, {"train": poison["train"], **first, **told})}
    rows = {"train": poison["train"], **world.past, "validation": world.data["validation"]}
    learned = {**_learned(config, "victim", rows), **first, **told, **draft.given(VICTIM)}
    victim = draft.takeover(VICTIM, learned, signed) if told else draft.training(VICTIM, learned, signed)
    return Attacked(poison, victim, signed)


def draw_screen(draft: Draft, world: World, attacked: Attacked) -> Variable:
    """Draw the screen, or the control in its place, and return where what it said is."""
    poison = attacked.poison
    if is_control(draft.config):
        told = {name: poison[name] for name in ("train", "secret")}
        return draft.control(SCREEN, told, ["screen"])["screen"]
    suspect = {"train": poison["train"], "trusted": world.data["validation"], "model": attacked.victim}
    suspect |= {**world.past, "reference": world.baseline} if world.past else {}
    return draft.shared(SCREEN, suspect, ["screen"])["screen"]


def draw_cell(draft: Draft, world: World, attacked: Attacked, screen: Variable) -> Measured:
    """Draw what a defender does after the screen, and what is measured on it."""
    config, data, poison = draft.config, world.data, attacked.poison
    models = {"baseline": world.baseline, "victim": attacked.victim}
    unsigned = {
        name: model for name, model in models.items() if name != "baseline" or not from_baseline(config)
    }
    if hardens(config):
        signed = {**attacked.signed, **draft.sign(SCREEN, {"screen": screen, **unsigned})}
        mended = {"victim": attacked.victim} if repairs_victim(config) else {}
        kept = {"screen": screen} if config.harden else {}
        given = {"train": poison["train"], **world.past, "validation": data["validation"], **kept, **mended}
        given |= draft.given(HARDEN)
        models["hardened"] = draft.training(HARDEN, given, signed, module="training.harden")
        unsigned = {}
    evaluation = _evaluate(draft, data, poison, screen, models)["evaluation"]
    return Measured(models, unsigned, evaluation)


def _preprocess(draft: Draft) -> dict[str, Variable]:
    inputs = {"pictures": draft.inputs.pictures, "source": draft.inputs.source}
    photos = ["photos"] if draft.inputs.pictures else []
    history = [HISTORY] if draft.config.data.history else []
    return draft.shared(PREPROCESS, inputs, ["train", *history, "validation", "heldout", *photos])


def _poison(draft: Draft, preprocess: Mapping[str, Variable], baseline: Variable) -> dict[str, Variable]:
    inputs = {
        "surrogate": baseline if needs_surrogate(draft.config) else None,
        "heldout": preprocess["heldout"] if needs_test(draft.config) else None,
        "train": preprocess["train"],
        "photos": preprocess.get("photos"),
        "triggers": draft.inputs.triggers,
    }
    return draft.processing(POISON, inputs, ["train", "secret"])


def _evaluate(
    draft: Draft,
    preprocess: Mapping[str, Variable],
    poison: Mapping[str, Variable],
    screen: Variable,
    models: Mapping[str, Variable],
) -> dict[str, Variable]:
    """Draw the one step of every pipeline that may see the truth."""
    inputs = {
        **{name: preprocess.get(name) for name in ("heldout", "photos")},
        **{name: poison[name] for name in ("train", "secret")},
        "screen": screen,
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
