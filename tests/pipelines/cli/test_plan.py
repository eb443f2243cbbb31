"""What `plan` prints of AWS: hours always, dollars where prices are given, and what is refused."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aws.prices import Prices
from boomerang.config import Config
from boomerang.errors import AwsError, ConfigError, UsageError
from pipelines.campaign.settings import load
from pipelines.campaign.site import Site
from pipelines.cli import plan as module
from pipelines.cli.plan import plan, plan_aws
from pipelines.definition.build import Built, build, build_canary

TABLE = """
[instances]
"ml.m5.xlarge" = 0.25
"ml.g4dn.xlarge" = 0.75
[month]
kms_key = 1.0
alarm = 0.1
composite_alarm = 0.5
dashboard = 3.0
"""
CONFIG = load("default", ["jobs.timeout_s=1800"])


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definitions take seconds to draw, and depend on the config alone here."""
    monkeypatch.setattr(module, "build", _build)
    monkeypatch.setattr(module, "build_canary", _canary)


_canary = cache(build_canary)
_drawn: dict[tuple[str, Site], Built] = {}


def _build(config: Config, site: Site, *, cache: Path | None = None) -> Built:
    key = (config.model_dump_json(), replace(site, region=""))
    if key not in _drawn:
        _drawn[key] = build(config, site, cache=cache)
    return _drawn[key]


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "prices.toml"
    path.write_text(TABLE)
    return str(path)


def test_without_prices_hours_are_shown_and_dollars_are_not_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan_aws(CONFIG)
    said = capsys.readouterr().out
    assert "2 x AWS::KMS::Key" in said
    assert "0.50 h" in said and "1 x ml.g4dn.xlarge, spot" in said
    assert said.count("not known") > 10
    assert "give --prices FILE" in said
    assert not any(character in said for character in "$€")


def test_with_a_table_a_run_and_a_month_have_dollars(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan_aws(CONFIG, prices=table, runs=10, parameters={"CanarySchedule": "rate(12 hours)"})
    said = capsys.readouterr().out
    assert "not known" not in said and f"prices: {table}" in said
    rows = {line.split("│")[1].strip(): line.split("│") for line in said.splitlines() if line.startswith("│")}
    assert rows["canary, rate(12 hours)"][2].strip() == "62"
    assert rows["canary, rate(12 hours)"][4].strip() == "7.75"
    assert rows["TrainVictim"][6].strip() == "0.38"
    assert "at the price on demand" in said


def test_a_machine_that_the_table_does_not_have_is_named(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_aws(load("default", ["jobs.training_instance=ml.g5.xlarge"]), prices=table)
    said = capsys.readouterr().out
    assert "no price is known of ml.g5.xlarge (Training)" in said


def test_the_limit_refuses_after_the_plan_was_shown(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="a run may cost"):
        plan_aws(CONFIG, prices=table, most_usd=0.5)
    assert "one run, at most" in capsys.readouterr().out
    plan_aws(CONFIG, prices=table, most_usd=100)


def test_a_limit_without_prices_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not known"):
        plan_aws(CONFIG, most_usd=100)


def test_the_price_list_is_asked_for_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def fetch(machines: object, region: str) -> Prices:
        asked.extend([machines, region])
        return Prices("AWS Price List", {("Processing", "ml.m5.xlarge"): 0.25})

    monkeypatch.setattr(module, "fetch_prices", fetch)
    plan_aws(CONFIG, prices="api", region="eu-west-1")
    assert asked == [{("Processing", "ml.m5.xlarge"), ("Training", "ml.g4dn.xlarge")}, "eu-west-1"]
    assert "no price is known of ml.g4dn.xlarge (Training)" in capsys.readouterr().out


def test_what_the_price_list_refuses_is_an_error_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> Prices:
        raise AwsError("the price", "several")

    monkeypatch.setattr(module, "fetch_prices", fetch)
    with pytest.raises(AwsError):
        plan_aws(CONFIG, prices="api")


# ---- The command


def options(*words: str, **given: Any) -> Namespace:
    """Return what the command line gives, with nothing but its defaults."""
    empty: dict[str, Any] = {"on": "process", "config": "default", "overrides": ["jobs.timeout_s=1800"]}
    empty |= {"out": Path("runs"), "prices": None, "max_usd": None, "region": None, "runs": None}
    return Namespace(**(empty | {"parameters": list(words)} | given))


def test_on_aws_the_command_plans_the_stack(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = options("CanarySchedule=rate(12 hours)", on="aws", prices=table, runs=0)
    plan(given, tmp_path)
    said = capsys.readouterr().out
    assert "canary, rate(12 hours) │    62" in said and "runs                   │     0" in said


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"prices": "api"}, "--prices"),
        ({"max_usd": 0.0}, "--max-usd"),
        ({"region": "eu-west-1"}, "--region"),
        ({"runs": 0}, "--runs"),
        ({"parameters": ["MaxDrop=0.1"]}, "--parameter"),
    ],
)
def test_an_option_of_aws_without_aws_is_refused(given: dict[str, Any], option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"^{option}: it is about AWS"):
        plan(options(**given), tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"runs": -1}, "--runs"),
        ({"max_usd": -1.0}, "--max-usd"),
        ({"max_usd": float("nan")}, "--max-usd"),
        ({"parameters": ["MaxDrop=2"]}, "--parameter MaxDrop=2"),
        ({"parameters": ["AlarmDatapoints=5"]}, "can never breach"),
        ({"parameters": ["CanarySchedule=rate(1 days)"]}, "does not go with 1"),
        ({"prices": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_a_wrong_value_is_refused(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        plan(options(on="aws", **given), tmp_path)


def test_the_region_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr(module, "fetch_prices", lambda _, region: asked.append(region) or Prices())
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    plan(options(on="aws", prices="api"), tmp_path)
    plan(options(on="aws", prices="api", region="eu-west-3"), tmp_path)
    assert asked == ["eu-north-1", "eu-west-3"]
