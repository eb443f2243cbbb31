"""An entry to deploy in the cloud of `tests/helpers/cloud.py`, with a small definition in a drawn one's
place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from helpers.cloud import Cloud, cloud
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from pipelines.campaign.staging import stage
from pipelines.definition.build import Built

# Lies where every test runs.
TINY = ["--config", "tiny.toml"]
DEPLOY = ["deploy", "--yes", *TINY]


@contextmanager
def placed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Give a cloud, and in the working folder an entry with a set of ten pictures."""
    (folder / "pictures").mkdir()
    for number in range(10):
        (folder / "pictures" / f"{number}.png").write_bytes(bytes([number]))
    (folder / "tiny.toml").write_text(
        'name = "tiny"\n[[pictures]]\nname = "planes"\npath = "pictures"\nlabel = "airplane"\n'
    )
    monkeypatch.chdir(folder)
    with cloud(folder / "cloud", monkeypatch) as made:
        yield made


def small(config: Config, site: Site, *, cache: Path | None = None) -> Built:
    """A definition of one step that names the site and the settings."""
    inputs = stage(config, site)
    arguments = {
        "AppSpecification": {"ImageUri": site.image},
        "Site": asdict(site),
        "Staged": sorted(inputs.staged),
    }
    steps = [{"Name": "Preprocess", "Type": "Processing", "Arguments": arguments}]
    return Built(json.loads(json.dumps({"Version": "2020-12-01", "Steps": steps})), inputs.staged)


def draw_small(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = {"Version": "2020-12-01", "Steps": []}
    monkeypatch.setattr("pipelines.cloud.deploy.build", small)
    monkeypatch.setattr("pipelines.cloud.remote.build", small)
    monkeypatch.setattr(
        "pipelines.cloud.deploy.build_canary", lambda site, jobs: watch | {"Site": asdict(site)}
    )
    monkeypatch.setattr("pipelines.cloud.deploy.check_definition", lambda definition: [])
