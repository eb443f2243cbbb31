"""The command `plan` with `--on aws`: what it passes on, and which options it refuses."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from helpers.foreign_models import network
from helpers.planning import SETTINGS, draw_once, write_prices

from aws.prices import Prices
from boomerang.errors import UsageError
from pipelines.cli.commands.plan import plan
from pipelines.cloud import cost_tables


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_once(monkeypatch)


@pytest.fixture
def table(tmp_path: Path) -> str:
    return write_prices(tmp_path)


def options(out: Path, *words: str, **given: Any) -> Namespace:
    """Return what the command line gives, with nothing but its defaults."""
    empty: dict[str, Any] = {"on": "process", "config": "default", "overrides": list(SETTINGS)}
    empty |= {"out": out, "prices": None, "max_usd": None, "region": None, "runs": None}
    return Namespace(**(empty | {"parameters": list(words), "campaign": None} | given))


def test_on_aws_the_command_plans_the_stack(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = options(tmp_path, "CanarySchedule=rate(12 hours)", on="aws", prices=table, runs=0)
    plan(given)
    said = capsys.readouterr().out
    assert "canary, rate(12 hours) │    62" in said and "runs                   │     0" in said


@pytest.mark.parametrize(("train", "delivered"), [("400", "280"), ("0", "the other training rows")])
def test_the_command_says_how_many_rows_are_of_the_past(
    train: str, delivered: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = [f"data.train={train}", "data.history=120", "train.batch=32"]
    plan(options(tmp_path, overrides=[*SETTINGS, *past]))
    assert f"120 rows of the past, {delivered} delivered" in capsys.readouterr().out
    plan(options(tmp_path))
    assert "rows of the past" not in capsys.readouterr().out


def test_the_command_says_which_model_is_taken_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network(classes=10).save(tmp_path / "own.keras")
    own = [f"given.path={tmp_path / 'own.keras'}", "given.role=victim"]
    plan(options(tmp_path, overrides=[*SETTINGS, *own]))
    said = "own.keras is the victim, taken as it is"
    assert said in capsys.readouterr().out
    plan(options(tmp_path))
    assert said not in capsys.readouterr().out


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
        plan(options(tmp_path, **given))


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
        plan(options(tmp_path, on="aws", **given))


def test_the_region_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr(cost_tables, "fetch_prices", lambda _, region: asked.append(region) or Prices())
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    plan(options(tmp_path, on="aws", prices="api"))
    plan(options(tmp_path, on="aws", prices="api", region="eu-west-3"))
    assert asked == ["eu-north-1", "eu-west-3"]
