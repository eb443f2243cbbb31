"""The definition of the pipeline, built with the SageMaker Python SDK v3: its only importer.

    Preprocess ─▶ TrainBaseline ─▶ Poison ─▶ TrainVictim ─▶ Screen ─▶ Harden ─▶ Evaluate ─▶ Gate
    Gate ─▶ Register (pending approval)  |  RegisterRejected ─▶ Fail, with the reasons

With `jobs.processing_count` above 1, PreprocessParts, ScreenParts and EvaluateParts come before the
steps they are named after: as many machines share the rows, and the step itself merges what they made.

Where the site signs, SignPreprocess, SignPoison, SignScreen and SignCandidate follow the steps whose
outputs they sign. They wait in no one's way but that of the trainings, which verify what they read.

An input's address comes from the output of the step that made it, or from the content of what was
staged; no address of a run is written twice. SageMaker reuses a training step only where its
checkpoints lie at the same address too, so that one is made from the content of all that the training
depends on.

    imports            what is used of the SDK, imported once, offline
    jobs, draft        job steps, one by one
    steps              the steps of an entry's pipeline
    candidate          what is registered, and how `metrics.json` speaks of it
    registration       the package with its digests
    package_card       its model card
    lineage_step       where it came from, as SageMaker's lineage entities
    addresses          whose output an address is
    json_text          JSON of which parts are known only at run time
    campaign_pipeline  many entries as one pipeline
    item_sketch        the jobs of one item of it, as plain data
    canary_pipeline    the canary's pipeline

Importing this package takes seconds; `pipelines.definition.build` does so only where it must.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from boomerang.digest import canonical_json
from pipelines.campaign.member import Member
from pipelines.campaign.sections import Config, JobsConfig
from pipelines.campaign.site import Site
from pipelines.campaign.staging import Inputs
from pipelines.definition.sdk.campaign_pipeline import draw_campaign
from pipelines.definition.sdk.canary_pipeline import draw_canary
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.imports import Pipeline, drawing, gpu_base, offline_session
from pipelines.definition.sdk.steps import steps

__all__ = ["define", "define_campaign", "define_canary", "draw", "drawing", "gpu_base"]


def define(config: Config, site: Site, inputs: Inputs, *, gated: bool = True) -> dict[str, Any]:
    """Return the pipeline's definition as the service takes it, parsed.

    Equal arguments give equal definitions, in this process or another. Without a gate it ends with Evaluate.
    """
    with drawing():
        return _parsed(draw(config, site, inputs, offline_session(site), gated=gated))


def define_canary(site: Site, jobs: JobsConfig) -> dict[str, Any]:
    """Return the definition of the canary's pipeline, parsed."""
    with drawing():
        return _parsed(draw_canary(site, jobs, offline_session(site)))


def define_campaign(
    name: str, members: Sequence[tuple[Member, Inputs]], site: Site, max_concurrency: int
) -> dict[str, Any]:
    """Return the definition of a campaign's pipeline, parsed; see `campaign_pipeline.draw_campaign`."""
    with drawing():
        return _parsed(draw_campaign(name, members, site, offline_session(site), max_concurrency))


def _parsed(pipeline: Pipeline) -> dict[str, Any]:
    # The canonical order of keys is that of a kept definition, so both are the same text.
    definition: dict[str, Any] = json.loads(canonical_json(json.loads(pipeline.definition())))
    return definition


def draw(config: Config, site: Site, inputs: Inputs, session: Any, *, gated: bool = True) -> Pipeline:
    """Return the SDK's pipeline, its steps bound to a session of the SDK's."""
    draft = Draft(config, site, inputs, session)
    drawn = steps(draft, gated=gated)
    parameters = [*draft.limits.values(), *draft.instances.values()]
    return Pipeline(name=config.name, parameters=parameters, steps=drawn, sagemaker_session=session)
