"""The canary's pipeline: one job, which asks the newest Approved model about its canary records."""

from __future__ import annotations

from typing import Any

from pipelines.campaign.sections import JobsConfig
from pipelines.campaign.site import Site
from pipelines.definition.sdk.imports import ExecutionVariables, Join, Pipeline
from pipelines.definition.sdk.jobs import Processing, processing_step

CANARY = "Canary"


def draw_canary(site: Site, jobs: JobsConfig, session: Any) -> Pipeline:
    """Return the SDK's pipeline of the canary.

    Its job looks up the package, fetches it and publishes the metrics, so it is not isolated; and it is
    never taken from the cache, for the same model is to be asked again.
    """
    runs = f"{site.root}/canary"
    job = Processing(
        name=CANARY,
        command=["python", "-m", "aws.jobs.canary_job"],
        arguments=[site.package_group],
        role=site.roles.canary,
        machine=jobs.processing_instance,
        inputs={},
        outputs={"metrics": Join(on="/", values=[runs, ExecutionVariables.PIPELINE_EXECUTION_ID, "metrics"])},
        environment={"AWS_DEFAULT_REGION": site.region}
        | ({"SIGNING_KEY": site.signing.key} if site.signing else {}),
        isolated=False,
        cached=False,
    )
    step = processing_step(job, jobs, site, session)
    return Pipeline(name=f"{site.prefix}-canary", parameters=[], steps=[step], sagemaker_session=session)
