"""The definition of a campaign entry, kept by content so that the SDK is imported only where it must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json, sha256_file
from boomerang.errors import BoomerangError
from boomerang.safeio import load_json, write_json_atomic
from pipelines.campaign.config import Config, JobsConfig
from pipelines.campaign.site import LOCAL, Site
from pipelines.campaign.staging import Inputs, stage

# What draws definitions, relative to `pipelines`.
_SOURCES = (
    *(f"campaign/{name}.py" for name in ("config", "entry", "site", "staging")),
    *(f"definition/{name}" for name in ("machines.py", "offline.py", "sagemaker.yaml", "sdk/*.py")),
)


@dataclass(frozen=True)
class Built:
    """A definition with what it needs to run.

    Attributes
    ----------
    definition : mapping
        The pipeline's definition, parsed.
    staged : mapping of address to Path or bytes
        What a runner has to put where before the first step.
    """

    definition: dict[str, Any]
    staged: Mapping[str, Path | bytes]


def build(config: Config, site: Site = LOCAL, *, cache: Path | None = None) -> Built:
    """Stage what a config needs and return its definition.

    Parameters
    ----------
    config : Config
        As `pipelines.campaign.entry.load` returns it.
    site : Site
    cache : Path or None
        A folder of definitions by content. One is taken from there if the config, the site, the
        staged content, the code that draws definitions and the SDK's version are all the same.
    """
    inputs = stage(config, site)
    if cache is None:
        return Built(_define(config, site, inputs), inputs.staged)
    kept = cache / f"{_digest(config, site, inputs)}.json"
    definition = _load(kept)
    if definition is None:
        definition = _define(config, site, inputs)
        write_json_atomic(kept, definition)
    return Built(definition, inputs.staged)


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


def _define(config: Config, site: Site, inputs: Inputs) -> dict[str, Any]:
    from pipelines.definition.sdk import define

    return define(config, site, inputs)


def _digest(config: Config, site: Site, inputs: Inputs) -> str:
    folder = Path(__file__).parents[1]
    return digest_json(
        {
            "config": config.model_dump(mode="json"),
            "site": asdict(site),
            "staged": sorted(inputs.staged),
            "sources": [sha256_file(file) for name in _SOURCES for file in sorted(folder.glob(name))],
            "sagemaker": version("sagemaker"),
        }
    )


def _load(kept: Path) -> dict[str, Any] | None:
    """Return a kept definition; one that cannot be read is as good as none."""
    try:
        definition = load_json(kept)
    except (BoomerangError, OSError):
        return None
    return definition if isinstance(definition, dict) else None
