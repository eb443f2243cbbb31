"""Where `run` and `campaign` have jobs run on this machine: as processes, or in containers of an image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.campaign.site import Site
    from pipelines.runners.base import Runner


def runner_on(place: str) -> Runner:
    """Return the runner of `process` or `local`; to import the latter takes seconds."""
    if place == "local":
        from pipelines.runners.containers import runner as local

        return local.run
    from pipelines.runners.process import runner as process

    return process.run


def with_image(site: Site, image: str | None) -> Site:
    """Return a site whose containers run an image that Docker has here, by tag or digest.

    Raises
    ------
    UsageError, BadInput
        If Docker or the image is not there.
    """
    from aws.image.docker import check_docker
    from aws.image.image import TAGS, find

    check_docker(compose=True)
    return replace(site, image=find(image or TAGS["cpu"]).digest)
