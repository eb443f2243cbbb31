"""`campaign` and `plan --campaign` up to where jobs would run; `tests/whole/test_matrix.py` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.campaigns import CAMPAIGN, write_campaign
from helpers.cloud import Cloud
from helpers.deploying import DEPLOY, draw_small, placed

from boomerang.errors import EXIT_PASSED
from pipelines.cli.main import main

# On AWS a pipeline has one `[jobs]`; seven cells suffice.
FEW = CAMPAIGN.replace("seeds = [0, 1]", "seeds = [0]")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A range with a small entry deployed."""
    draw_small(monkeypatch)
    with placed(tmp_path, monkeypatch) as made:
        assert main(DEPLOY) == EXIT_PASSED
        yield made


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--jobs", "0"], "'0' is no number from 1 to 50"),
        (["--jobs", "2", "--on", "local"], "there the runs go one after the other"),
        (["--image", "other:tag"], "it is of containers"),
        (["--on", "aws", "--image", "other:tag"], "on AWS the deployed image runs"),
        (["--only", "nothin"], "it names no cell"),
        (["--add", "nowhere.toml"], "there is no such file"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    out = tmp_path / "runs"
    assert main(["campaign", str(write_campaign(tmp_path)), "--out", str(out), *more]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists() or not [file for file in out.rglob("*") if file.name == "matrix.json"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaign", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: there is no such file" in capsys.readouterr().err


def test_a_plan_says_how_many_steps_there_are_and_how_many_are_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_campaign(tmp_path, FEW)
    assert main(["plan", "--campaign", str(file), "--out", str(tmp_path / "runs")]) == EXIT_PASSED
    said = capsys.readouterr().out
    assert "small: 4 rows x 2 columns x 1 seed" in said and "runs: 7" in said
    assert "steps: 47 in all, 22 of them another run's as well, 0 in the cache: 25 to run" in said
    assert "excluded: clean x random: of no poison" in said
    assert not (tmp_path / "runs").exists(), "nothing is written"


def test_on_aws_a_campaign_is_planned_and_started_as_one_pipeline(
    here: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write_campaign(tmp_path, FEW))
    assert main(["plan", "--campaign", file, "--on", "aws", "--out", str(tmp_path / "r")]) == EXIT_PASSED
    planned = capsys.readouterr()
    assert "campaign small: 4 cells" in planned.out and "2 x Poison" in planned.out
    assert "left out: random, perfect" in planned.err
    words = ["campaign", file, "--on", "aws", "--yes", "--id", "first", "--out", str(tmp_path / "r")]
    assert main(words) == EXIT_PASSED
    started = capsys.readouterr()
    assert "left out: random, perfect" in started.err and "status" in started.err
    arn = started.out.strip().splitlines()[-1]
    shown = here.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
    assert shown["PipelineExecutionDisplayName"] == "first"
