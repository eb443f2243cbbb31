"""What is compared is told apart first, and held against what was recorded of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers.drawn_matrix import two_campaigns
from helpers.report_fixture import build_run
from helpers.report_pages import commit_again, metrics_file
from helpers.scenes import Scene

from boomerang.errors import BadInput, BoomerangError, ConfigError, IntegrityError, UsageError
from pipelines.comparison import compare
from pipelines.comparison.sides import MATRIX
from pipelines.comparison.two_campaigns import TwoCampaigns
from pipelines.comparison.two_runs import TwoRuns


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs and two campaigns; no test changes them."""
    folder = tmp_path_factory.mktemp("drawn")
    build_run(folder / "one")
    build_run(folder / "other", Scene(hardened_asr=0.4))
    two_campaigns(folder)
    return folder


@pytest.fixture
def own(drawn: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawn, tmp_path / "own")
    return tmp_path / "own"


def test_two_runs_are_runs_and_two_campaigns_campaigns(drawn: Path) -> None:
    assert isinstance(compare(drawn / "one", drawn / "other"), TwoRuns)
    assert isinstance(compare(drawn / "monday", drawn / "friday"), TwoCampaigns)


@pytest.mark.parametrize(
    ("first", "second", "kind", "said"),
    [
        ("one", "nowhere", BadInput, "nowhere: there is no such folder"),
        (".", "one", BadInput, "neither a run's folder nor a campaign's"),
        ("one", "monday", UsageError, "is a run, and"),
        ("one", "other/../one", UsageError, "the same run as the first"),
        ("monday", "monday", UsageError, "the same campaign as the first"),
    ],
)
def test_what_cannot_be_compared_is_said(
    drawn: Path, first: str, second: str, kind: type[BoomerangError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        compare(drawn / first, drawn / second)
    assert caught.value.exit_code == 2 and caught.value.do


def test_runs_of_one_name_are_told_apart(own: Path) -> None:
    shutil.copytree(own / "one", own / "elsewhere" / "one")
    assert compare(own / "one", own / "elsewhere" / "one").names == ("one (first)", "one (second)")


def test_changed_settings_are_no_settings_of_the_run(own: Path) -> None:
    config = json.loads((own / "one" / "config.json").read_text())
    (own / "one" / "config.json").write_text(json.dumps(config | {"seed": 7}))
    with pytest.raises(IntegrityError, match=r"config\.json: has been changed"):
        compare(own / "one", own / "other")


def test_changed_numbers_are_no_numbers_of_the_run_even_if_they_are_committed_again(own: Path) -> None:
    file = metrics_file(own / "other")
    metrics = json.loads(file.read_text())
    metrics["screen"]["flagged"] += 1
    file.write_text(json.dumps(metrics))
    commit_again(own / "other")
    with pytest.raises(IntegrityError, match="has been changed"):
        compare(own / "one", own / "other")


def test_a_changed_record_is_no_record(own: Path) -> None:
    record = json.loads((own / "one" / "execution.json").read_text())
    (own / "one" / "execution.json").write_text(json.dumps(record | {"seconds": 1.0}))
    with pytest.raises(IntegrityError, match=r"execution\.json: has been changed"):
        compare(own / "one", own / "other")


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("[]", BadInput, "it holds no matrix"),
        ('{"name": "x"}', ConfigError, "matrix.json"),
        ("{", BadInput, "matrix.json"),
    ],
)
def test_a_malformed_matrix_is_refused(
    own: Path, content: str, kind: type[BoomerangError], said: str
) -> None:
    (own / "friday" / MATRIX).write_text(content)
    with pytest.raises(kind, match=said):
        compare(own / "monday", own / "friday")


def test_a_matrix_that_counts_more_than_there_is_is_refused(own: Path) -> None:
    text = (own / "friday" / MATRIX).read_text()
    (own / "friday" / MATRIX).write_text(text.replace('"successes": 40', '"successes": 40000'))
    with pytest.raises(BadInput, match="counts 40000 of 4000"):
        compare(own / "monday", own / "friday")
