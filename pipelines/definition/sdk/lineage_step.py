"""The step that writes down what a package came from, back to what came from outside.

SageMaker records jobs and packages by itself. It does not know that one training set is the poisoned form
of another, which recipe and which trigger images did it, what the screen was, or what the canary will ask.
A Lineage step adds that: an artifact for each thing, an action for each step, and who made what of what.
All of it is read off the steps that were drawn, so it has no gap that they have not.

What Poison keeps secret is in no artifact. Names are unique in an account, so each ends in the
execution's id. The service knows neither retries nor reuse of such a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.campaign.entry import BASELINE, EVALUATE, HARDEN, POISON, PREPROCESS, SCREEN, VICTIM
from pipelines.definition.sdk.addresses import inputs_of, outputs_of, text_of
from pipelines.definition.sdk.candidate import Candidate, metric
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import (
    Action,
    Artifact,
    ExecutionVariables,
    Join,
    LineageAssociation,
    LineageEntityReference,
    LineageStep,
    ModelStep,
    Step,
)
from pipelines.definition.sdk.jobs import Variable

_SECRET = "secret"
_SIGNS = "Sign"
_SIGNATURE = "_signature"
_ARTIFACT, _ACTION = "Artifact", "Action"

# What things are called and of which type they are, by the step and the output, or by the input's name.
_THINGS = {
    "pictures": ("pictures", "DataSet"),
    "source": ("data source", "DataSet"),
    "settings": ("data settings", "Settings"),
    "triggers": ("trigger images", "DataSet"),
    "given": ("given model", "Model"),
    "recipe": ("poison recipe", "Settings"),
    f"{PREPROCESS}-train": ("clean set", "DataSet"),
    f"{PREPROCESS}-history": ("rows of the past", "DataSet"),
    f"{PREPROCESS}-validation": ("trusted set", "DataSet"),
    f"{PREPROCESS}-heldout": ("held-out sets", "DataSet"),
    f"{PREPROCESS}-photos": ("photographs", "DataSet"),
    f"{BASELINE}-model": ("clean model", "Model"),
    f"{POISON}-train": ("poisoned set", "DataSet"),
    f"{VICTIM}-model": ("poisoned model", "Model"),
    f"{SCREEN}-screen": ("screen", "Screen"),
    f"{HARDEN}-model": ("hardened model", "Model"),
    f"{EVALUATE}-evaluation": ("evaluation", "Evaluation"),
    f"{EVALUATE}-canaries": ("canaries", "DataSet"),
    f"{EVALUATE}-probes": ("probes", "DataSet"),
    "package": ("model package", "ModelPackage"),
}
# Where `metrics.json` has a thing's digest.
_DIGESTS = {
    f"{BASELINE}-model": "models.baseline.digest",
    f"{POISON}-train": "data.digests.train",
    f"{VICTIM}-model": "models.victim.digest",
    f"{SCREEN}-screen": "data.digests.screen",
    f"{HARDEN}-model": "models.hardened.digest",
    f"{EVALUATE}-canaries": "canaries.digest",
    f"{EVALUATE}-probes": "probes.digest",
}
# Of two things, whether one is a changed form of the other.
_DERIVED = {f"{POISON}-train": f"{PREPROCESS}-train", "package": ""}


@dataclass
class _Flow:
    """The artifacts and actions of a pipeline, as its steps are gone through.

    Attributes
    ----------
    uris : dict
        The address of each artifact by its name.
    reads, makes : dict
        The artifacts of each action.
    named : dict
        The name of each artifact by its address, as text.
    inside : dict
        The address of what an artifact is a part of: a signature of that is one of both.
    """

    uris: dict[str, Variable] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    makes: dict[str, list[str]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    inside: dict[str, Variable] = field(default_factory=dict)

    def add(self, name: str, uri: Variable) -> str:
        """Return the name of what lies at an address, which is this one if it is new."""
        name = self.named.setdefault(text_of(uri), name)
        self.uris.setdefault(name, uri)
        return name

    def make(self, action: str, name: str, uri: Variable) -> None:
        self.makes.setdefault(action, []).append(self.add(name, uri))

    def read(self, action: str, name: str, uri: Variable) -> None:
        self.reads.setdefault(action, []).append(self.add(name, uri))


def trace(draft: Draft, name: str, registering: ModelStep, candidate: Candidate) -> LineageStep:
    """Return the step that records where the package of a registration came from.

    Parameters
    ----------
    draft : Draft
        With every job step of the campaign.
    name : str
        The step's.
    registering : ModelStep
        What it comes after.
    candidate : Candidate
    """
    flow = _Flow()
    for step in draft.steps:
        if not step.name.startswith(_SIGNS):
            _go_through(step, flow, draft)
    _register(flow, registering, candidate)
    signatures = _signatures(draft)
    return LineageStep(
        name=name,
        actions=[_action(action, draft) for action in flow.makes],
        artifacts=[
            _artifact(thing, uri, draft, signatures.get(text_of(flow.inside.get(thing, uri))))
            for thing, uri in flow.uris.items()
        ],
        associations=list(_associations(flow, candidate)),
    )


def _go_through(step: Step, flow: _Flow, draft: Draft) -> None:
    """Add what a step reads and makes."""
    for name, uri in inputs_of(step).items():
        if called := _called(name, uri, draft):
            flow.read(step.name, called, uri)
    for name, uri in outputs_of(step).items():
        if name != _SECRET:
            flow.make(step.name, f"{step.name}-{name}", uri)


def _called(name: str, uri: Variable, draft: Draft) -> str | None:
    """Return what an input from outside is called; None if it is no part of the lineage."""
    if name == "config":
        # Settings that data was made by are an origin; those of the other steps are in the package's digest.
        drawn = {} if draft.inputs.source else {draft.inputs.configs[PREPROCESS]: "settings"}
        return (drawn | {draft.inputs.configs[POISON]: "recipe"}).get(uri)
    return None if name == _SECRET or name.endswith(_SIGNATURE) else name


def _register(flow: _Flow, registering: ModelStep, candidate: Candidate) -> None:
    """Add what is frozen for the canary, and the package."""
    for part in ("canaries", "probes"):
        uri = Join(on="/", values=[candidate.evaluation, part])
        flow.make(EVALUATE, f"{EVALUATE}-{part}", uri)
        flow.inside[f"{EVALUATE}-{part}"] = candidate.evaluation
        flow.read(registering.name, f"{EVALUATE}-{part}", uri)
    flow.read(registering.name, "model", candidate.model)
    flow.read(registering.name, "evaluation", candidate.evaluation)
    flow.make(registering.name, "package", registering.properties.ModelPackageArn)


def _signatures(draft: Draft) -> dict[str, Variable]:
    """Return where the signature of what lies at an address is, by the address as text."""
    signers = [step for step in draft.steps if step.name.startswith(_SIGNS)]
    return {
        text_of(uri): outputs_of(signer)[name]
        for signer in signers
        for name, uri in inputs_of(signer).items()
    }


def _artifact(name: str, uri: Variable, draft: Draft, signature: Variable | None) -> Any:
    title, kind = _THINGS.get(name, (name, "DataSet"))
    digest = _digest(name, uri)
    properties = {
        "Title": title if draft.config.attacks else _unharmed(name, title),
        **({"Digest": digest} if digest else {}),
        **({"Signature": signature} if signature else {}),
    }
    return Artifact.create(
        artifact_name=_unique(name),
        source_uri=uri,
        artifact_type=kind,
        properties=properties,
        sagemaker_session=draft.session,
    )


def _unharmed(name: str, title: str) -> str:
    """Return what a thing is called where nothing was poisoned."""
    return {f"{POISON}-train": "same set", f"{VICTIM}-model": "second model"}.get(name, title)


def _digest(name: str, uri: Variable) -> Variable | None:
    """Return a thing's digest: as it was measured, or from the address, of what was staged by content."""
    if name in _DIGESTS:
        return metric(_DIGESTS[name])
    return uri.rpartition("/")[2] if isinstance(uri, str) else None


def _action(name: str, draft: Draft) -> Any:
    """Return a step as an action; its source is the folder that it writes to in its run."""
    return Action.create(
        action_name=_unique(name),
        source_uri=draft.output(name, ""),
        source_type="Step",
        action_type=name.removesuffix("Parts"),
        status="Completed",
        properties={"Campaign": draft.config.name},
        sagemaker_session=draft.session,
    )


def _associations(flow: _Flow, candidate: Candidate) -> Iterator[LineageAssociation]:
    """Yield them from what was to what came of it."""
    for action, read in flow.reads.items():
        for name in dict.fromkeys(read):
            yield _association((name, _ARTIFACT), (action, _ACTION), "ContributedTo")
    for action, made in flow.makes.items():
        for name in made:
            yield _association((action, _ACTION), (name, _ARTIFACT), "Produced")
    derived: Mapping[str, str] = _DERIVED | {"package": flow.named[text_of(candidate.model)]}
    for name, before in derived.items():
        yield _association((before, _ARTIFACT), (name, _ARTIFACT), "DerivedFrom")


def _association(source: tuple[str, str], destination: tuple[str, str], kind: str) -> LineageAssociation:
    ends = [LineageEntityReference(name=_unique(name), type=entity) for name, entity in (source, destination)]
    return LineageAssociation(source=ends[0], destination=ends[1], association_type=kind)


def _unique(name: str) -> Join:
    return Join(on="-", values=[name, ExecutionVariables.PIPELINE_EXECUTION_ID])
