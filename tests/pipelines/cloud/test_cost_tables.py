"""What `plan` prints of AWS: hours always, dollars where prices are given, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.campaign_cells import cells
from helpers.planning import CONFIG, draw_once, write_prices

from aws.prices import Prices
from boomerang.errors import AwsError, ConfigError
from pipelines.campaign.entry import load
from pipelines.cloud import cost_tables
from pipelines.cloud.cost_tables import plan_aws, plan_campaign_aws


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_once(monkeypatch)


@pytest.fixture
def table(tmp_path: Path) -> str:
    return write_prices(tmp_path)


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

    monkeypatch.setattr(cost_tables, "fetch_prices", fetch)
    plan_aws(CONFIG, prices="api", region="eu-west-1")
    assert asked == [{("Processing", "ml.m5.xlarge"), ("Training", "ml.g4dn.xlarge")}, "eu-west-1"]
    assert "no price is known of ml.g4dn.xlarge (Training)" in capsys.readouterr().out


def test_what_the_price_list_refuses_is_an_error_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> Prices:
        raise AwsError("the price", "several")

    monkeypatch.setattr(cost_tables, "fetch_prices", fetch)
    with pytest.raises(AwsError):
        plan_aws(CONFIG, prices="api")


def test_a_campaign_is_a_run_in_which_what_cells_share_is_counted_once(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_campaign_aws("trial", cells(jobs={"timeout_s": 1800}), prices=table)
    said = capsys.readouterr().out
    assert "campaign trial: 4 cells" in said and "one campaign, at most" in said
    rows = {line.split("│")[1].strip(): line.split("│") for line in said.splitlines() if line.startswith("│")}
    counted = ["Preprocess", "TrainBaseline", "2 x Poison", "2 x TrainVictim", "2 x Screen", "2 x Harden"]
    assert set(rows) == {
        *counted,
        *("SignPreprocess", "2 x SignPoison", "2 x SignScreen"),
        "4 x Evaluate",
        "all",
    }
    hours = {name: float(row[5]) for name, row in rows.items()}
    assert (hours["TrainBaseline"], hours["2 x TrainVictim"], hours["4 x Evaluate"]) == (0.5, 1.0, 2.0)
    assert hours["all"] == sum(hours.values()) / 2
    assert rows["2 x TrainVictim"][6].strip() == "0.75"


def test_a_campaign_that_may_cost_more_is_refused_after_it_was_shown(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match=r"Evaluate most: 4 x ml\.m5\.xlarge for 10 h, 10\.00 USD"):
        plan_campaign_aws(
            "trial",
            cells(jobs={"timeout_s": 36000, "training_instance": "ml.m5.xlarge"}),
            prices=table,
            most_usd=5,
        )
    assert "one campaign, at most" in capsys.readouterr().out


def test_cells_that_are_no_campaign_have_no_plan() -> None:
    with pytest.raises(ConfigError, match="it has no cells"):
        plan_campaign_aws("trial", [])
