"""What the tests of plans and their costs share: a table of prices, an entry, definitions drawn once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from pipelines.campaign.entry import load
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from pipelines.cloud import cost_tables
from pipelines.definition.build import Built, build, build_canary

SETTINGS = ("jobs.timeout_s=1800",)
CONFIG = load("default", SETTINGS)
_PRICES = """
[instances]
"ml.m5.xlarge" = 0.25
"ml.g4dn.xlarge" = 0.75
[month]
kms_key = 1.0
alarm = 0.1
composite_alarm = 0.5
dashboard = 3.0
"""

_canary = cache(build_canary)
_drawn: dict[tuple[str, Site], Built] = {}


def write_prices(folder: Path) -> str:
    """Write a table of prices and return its path."""
    path = folder / "prices.toml"
    path.write_text(_PRICES)
    return str(path)


def draw_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep drawn definitions: they take seconds to draw, and depend on the config alone here."""
    monkeypatch.setattr(cost_tables, "build", _build)
    monkeypatch.setattr(cost_tables, "build_canary", _canary)


def _build(config: Config, site: Site, *, cache: Path | None = None, keeps: bool = True) -> Built:
    key = (config.model_dump_json(), replace(site, region=""))
    if key not in _drawn:
        _drawn[key] = build(config, site, cache=cache, keeps=keeps)
    return _drawn[key]
