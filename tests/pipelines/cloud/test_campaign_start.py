"""A campaign in the cloud of `tests/helpers/cloud.py`: its pipeline in the entry's place, and started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.attack_pools import add_kind
from helpers.campaign_cells import bodies, cells
from helpers.cloud import REGION, Cloud
from helpers.definitions import ATTACK, config
from helpers.deploying import DEPLOY, TINY, draw_small, placed

from aws.account import connect
from boomerang.errors import EXIT_PASSED, AwsError, ConfigError, UsageError
from pipelines.campaign.member import Member
from pipelines.cli.main import main
from pipelines.cloud.campaign_start import start_campaign
from pipelines.cloud.deployed import deployed


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A range with a small entry deployed."""
    draw_small(monkeypatch)
    with placed(tmp_path, monkeypatch) as made:
        assert main(DEPLOY) == EXIT_PASSED
        yield made


def start(members: list[Member], *, agrees: bool = True, **options: Any) -> tuple[str, list[str]]:
    """Start a campaign; return the execution and what was said."""
    said: list[str] = []
    range_ = deployed(connect(REGION), "boomerang")
    arn = start_campaign(range_, "trial", members, say=said.append, agree=lambda changes: agrees, **options)
    return arn, said


def pipeline(here: Cloud) -> dict[str, Any]:
    found = here.client("sagemaker").describe_pipeline(PipelineName="boomerang")
    key = here.state()["parameters"]["DefinitionS3Key"]
    content = here.client("s3").get_object(Bucket=here.outputs()["DataBucketName"], Key=key)["Body"].read()
    assert found["PipelineName"] == "boomerang" and key.startswith("boomerang/definitions/campaign-")
    return dict(json.loads(content))


def test_a_campaign_takes_the_place_of_the_entry_and_is_started(here: Cloud) -> None:
    arn, said = start(cells(), execution="first")
    definition = pipeline(here)
    assert bodies(definition)["Worlds"][1] == ["Preprocess", "SignPreprocess", "TrainBaseline"]
    execution = here.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
    assert execution["PipelineExecutionDisplayName"] == "first"
    assert any("uploaded" in line for line in said)
    staged = {key for key in here.objects() if "/inputs/" in key}
    configs = {
        text.partition("/inputs/")[2][:64] for text in json.dumps(definition).split('"') if "/inputs/" in text
    }
    assert {key.split("/")[2] for key in staged} >= configs - {""}


def test_started_again_nothing_is_changed_but_another_execution_is_there(here: Cloud) -> None:
    first, _ = start(cells())
    before = here.state()
    second, said = start(cells(), agrees=False)
    assert first != second and here.state() == before
    assert "stack boomerang: as it should be" in said


def test_who_does_not_agree_starts_nothing(here: Cloud) -> None:
    before = here.state()
    with pytest.raises(UsageError, match="you did not agree"):
        start(cells(), agrees=False)
    assert here.state()["parameters"] == before["parameters"]
    executions = here.client("sagemaker").list_pipeline_executions(PipelineName="boomerang")
    assert executions["PipelineExecutionSummaries"] == []


def test_afterwards_the_entry_is_not_what_is_deployed(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    start(cells())
    capsys.readouterr()
    assert main(["run", "--on", "aws", *TINY]) == AwsError.exit_code
    assert "deploy it: python -m pipelines deploy" in capsys.readouterr().err
    assert main(DEPLOY) == EXIT_PASSED
    assert main(["run", "--on", "aws", *TINY]) == EXIT_PASSED


def test_the_image_of_a_range_is_known_from_a_campaign_too(here: Cloud) -> None:
    before = deployed(connect(REGION), "boomerang").image
    start(cells())
    assert deployed(connect(REGION), "boomerang").image == before


@pytest.mark.parametrize(("name", "error"), [("no such", UsageError), ("", ConfigError)])
def test_a_mistake_is_found_before_anything_is_uploaded(
    here: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    before = here.state()
    with pytest.raises(error):
        start([*cells(), Member("taken", config(attacks=[{"kind": "tried"}]))], execution=name)
    assert here.state() == before
