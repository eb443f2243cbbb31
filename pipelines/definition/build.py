"""The definition of a campaign entry, kept by content so that the SDK is imported only where it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from boomerang.config import validate
from boomerang.digest import digest_json, sha256_file
from boomerang.errors import ConfigError
from pipelines.campaign.member import Member, check_members
from pipelines.campaign.sections import Config, JobsConfig
from pipelines.campaign.site import LOCAL, Site
from pipelines.campaign.staging import Inputs, stage
from pipelines.definition.kept import find, keep
from pipelines.definition.user_key import user_key

PROJECT = Path(__file__).resolve().parents[2]
# What draws definitions, and what that stands on.
SOURCES = ("aws/*.py", "boomerang/**/*.py", "pipelines/campaign/*.py", "pipelines/definition/**/*.py")
# `PipelineDefinition` of CreatePipeline, API reference.
MOST_CHARACTERS = 1024 * 1024
_DATA = ("pipelines/definition/sagemaker.yaml",)


@dataclass(frozen=True)
class Built:
    """A definition with what it needs to run.

    Attributes
    ----------
    definition : mapping
        The pipeline's definition, parsed.
    staged : mapping of address to Path or bytes
        What a runner has to put where before the first step.
    gated : bool
        Whether it ends with a gate; see `build`.
    """

    definition: dict[str, Any]
    staged: Mapping[str, Path | bytes]
    gated: bool = True


def build(
    config: Config,
    site: Site = LOCAL,
    *,
    cache: Path | None = None,
    keeps: bool = True,
    gated: bool = True,
) -> Built:
    """Stage what a config needs and return its definition.

    Parameters
    ----------
    config : Config
        As `pipelines.campaign.entry.load` returns it.
    site : Site
    cache : Path or None
        A folder of definitions by content. One is taken from there if this user kept it as it is, and
        the config, the site, the staged content, the code that draws definitions and the SDK's version
        are all the same. Where no key of this user can be kept, no definition is.
    keeps : bool
        Keep there what was drawn; without, nothing is written.
    gated : bool
        Without, it ends with Evaluate: nothing is registered, and the verdict stands in `metrics.json` alone.
    """
    inputs = stage(config, site)
    if cache is None or user_key() is None:
        return Built(_define(config, site, inputs, gated=gated), inputs.staged, gated)
    file = cache / f"{_digest(config, site, inputs, gated=gated)}.json"
    definition = find(file)
    if definition is None:
        definition = _define(config, site, inputs, gated=gated)
        if keeps:
            keep(file, definition)
    return Built(definition, inputs.staged, gated)


def build_campaign(
    name: str, members: Sequence[Member], site: Site = LOCAL, *, max_concurrency: int = 10
) -> Built:
    """Stage what the cells of a campaign need and return the definition of its one pipeline.

    What the cells share is drawn, and runs, once: it ends with one Evaluate a cell, and registers nothing.

    Parameters
    ----------
    name : str
        The campaign's: as an entry's.
    members : sequence of Member
    site : Site
    max_concurrency : int
        Jobs of one kind at once.

    Raises
    ------
    ConfigError
        If the members cannot be one pipeline: see `check_members`; or it would be too large.
    """
    check_members(members)
    validate(Config, {"name": name}, where=f"campaign {name}")
    inputs = [stage(member.config, site) for member in members]
    from pipelines.definition.sdk import define_campaign

    definition = define_campaign(name, list(zip(members, inputs, strict=True)), site, max_concurrency)
    if (size := len(json.dumps(definition))) > MOST_CHARACTERS:
        why = f"its definition has {size} characters, and SageMaker takes {MOST_CHARACTERS}"
        raise ConfigError(f"campaign {name}", why, "start it as several campaigns")
    return Built(definition, {uri: path for each in inputs for uri, path in each.staged.items()}, gated=False)


def build_canary(site: Site, jobs: JobsConfig | None = None) -> dict[str, Any]:
    """Return the definition of the pipeline that watches the approved model of a site.

    Parameters
    ----------
    site : Site
    jobs : JobsConfig, optional
        Its machine, disk and time limit.
    """
    from pipelines.definition.sdk import define_canary

    return define_canary(site, jobs or JobsConfig())


def _define(config: Config, site: Site, inputs: Inputs, *, gated: bool) -> dict[str, Any]:
    from pipelines.definition.sdk import define

    return define(config, site, inputs, gated=gated)


def _digest(config: Config, site: Site, inputs: Inputs, *, gated: bool) -> str:
    sources = [file for pattern in (*SOURCES, *_DATA) for file in sorted(PROJECT.glob(pattern))]
    return digest_json(
        {
            "config": config.model_dump(mode="json"),
            "site": asdict(site),
            "staged": sorted(inputs.staged),
            "gated": gated,
            "sources": [sha256_file(file) for file in sources],
            "sagemaker": version("sagemaker"),
        }
    )
