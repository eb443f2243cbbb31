from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers.campaigns import CAMPAIGN, write_campaign

from boomerang.errors import ConfigError, StepFailed, UsageError
from pipelines.campaign.site import local_site
from pipelines.matrix.campaign import Staged, add_to, open_campaign, prepare, run_campaign
from pipelines.matrix.document import read_matrix
from pipelines.matrix.running.forecast import forecast
from pipelines.matrix.running.ready import Ready, Refused
from pipelines.runners.base import Order
from pipelines.runs.locking import locked
from pipelines.runs.records import Event, Execution

MORE = '[[defenses]]\nname = "nobody"\ndetectors = []\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where definitions are kept that several tests draw."""
    return tmp_path_factory.mktemp("runs")


def staged(place: Path, out: Path, text: str = CAMPAIGN) -> Staged:
    return open_campaign(write_campaign(place, text), out)


def site(campaign: Staged) -> Any:
    return local_site(campaign.campaign.name)


def failing(order: Order) -> Execution:
    """A runner that records each run as failed at once."""
    order.on_event(Event("Preprocess", "failed", 0.1, "no rows"))
    run_dir = order.workspace / order.run_id
    run_dir.mkdir(parents=True)
    (run_dir / "config.json").write_text(json.dumps(order.config.model_dump(mode="json")))
    execution = Execution(order.run_id, run_dir, "Failed", failed_step="Preprocess", failure="no rows")
    execution.save()
    return execution


def run(campaign: Staged, only: Sequence[str] = ()) -> None:
    run_campaign(campaign, prepare(campaign, only, site(campaign)), site(campaign), failing, 2)


def test_a_cell_that_is_refused_says_why_and_the_others_are_ready(tmp_path: Path, folder: Path) -> None:
    text = CAMPAIGN + '[[defenses]]\nname = "spoiled"\nset = { train = { epochs = 0 } }\n'
    campaign = staged(tmp_path, folder, text)
    found = prepare(campaign, ["corner-0.04"], site(campaign))
    refused = [each for each in found if isinstance(each, Refused)]
    assert {each.cell.row.id for each in refused} == {"spoiled"}
    assert "train.epochs" in refused[0].why
    assert len(found) - len(refused) == 8


def test_a_campaign_of_which_every_cell_is_refused_is_refused(tmp_path: Path, folder: Path) -> None:
    campaign = staged(tmp_path, folder, CAMPAIGN + "[set.train]\nepochs = 0\n")
    with pytest.raises(ConfigError, match=r"(?s)all of its 14 cells are refused.*train\.epochs"):
        prepare(campaign, (), site(campaign))


def test_steps_that_cells_share_are_told_by_what_they_are_told(tmp_path: Path, folder: Path) -> None:
    campaign = staged(tmp_path, folder)
    found = prepare(campaign, (), site(campaign))
    ready = {each.cell.id: each for each in found if isinstance(each, Ready)}
    nothing, clean = ready["corner-0.04.nothing.s0"].symbols, ready["clean.nothing.s0"].symbols
    screened, other = ready["corner-0.04.clustering.s0"].symbols, ready["corner-0.04.nothing.s1"].symbols
    assert nothing["TrainVictim"] == screened["TrainVictim"] and nothing["Screen"] != screened["Screen"]
    assert nothing["TrainBaseline"] == clean["TrainBaseline"] and nothing["Poison"] != clean["Poison"]
    assert not set(nothing.values()) & set(other.values()), "another seed shares nothing"
    will = forecast(list(ready.values()), folder, jobs=1)
    # A seed: Preprocess and the baseline; of each of two recipes Poison and the victim; of each cell
    # Screen and Evaluate, and Harden where something defends.
    assert (will.runs, will.distinct) == (14, 2 * (2 + 2 * 2 + 7 * 2 + 5))
    assert (will.steps, will.cached, will.seconds) == (14 * 6 + 10, 0, None)
    assert "TrainVictim" in will.unknown


def test_a_failed_run_is_named_and_the_matrix_is_written_all_the_same(tmp_path: Path, folder: Path) -> None:
    campaign = staged(tmp_path, tmp_path / "runs")
    with pytest.raises(StepFailed, match=r"(?s)4 of 4 runs have no number.*corner-0.04.nothing.s0"):
        run(campaign, ["nothing"])
    matrix = read_matrix(campaign.folder / "matrix.json")
    cell = matrix.cell("nothing", "corner-0.04")
    assert (cell.status, cell.why) == ("failed", "step Preprocess stopped: no rows")
    assert {card.status for card in cell.runs} == {"failed"}
    assert cell.runs[1].command.endswith("--only corner-0.04.nothing.s1")
    assert matrix.cell("clustering", "clean").status == "waiting"
    assert (campaign.folder / "matrix.html").is_file() and (campaign.folder / "matrix.csv").is_file()


def test_a_run_of_other_settings_is_not_taken_for_a_cell_s(tmp_path: Path) -> None:
    campaign = staged(tmp_path, tmp_path / "runs")
    with pytest.raises(StepFailed):
        run(campaign, ["corner-0.04.nothing.s0"])
    changed = staged(tmp_path, tmp_path / "runs", CAMPAIGN.replace("patch_px = 3", "patch_px = 2"))
    with pytest.raises(StepFailed):
        run(changed, ["corner-0.04.nothing.s1"])
    first, second = read_matrix(changed.folder / "matrix.json").cell("nothing", "corner-0.04").runs
    assert (first.status, first.why) == ("waiting", "it was run with other settings: run it again")
    assert second.status == "failed"


def test_what_was_added_stays(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(MORE)
    file = write_campaign(tmp_path)
    first = open_campaign(file, tmp_path / "runs", [tmp_path / "more.toml"])
    assert "nobody" not in {d.name for d in open_campaign(file, tmp_path / "runs").campaign.defenses}
    add_to(first, [tmp_path / "more.toml"])
    add_to(first, [tmp_path / "more.toml"])
    again = open_campaign(file, tmp_path / "runs", [tmp_path / "more.toml"])
    assert [d.name for d in again.campaign.defenses] == ["clustering", "nobody"]
    assert again.campaign == open_campaign(file, tmp_path / "runs").campaign


def test_a_folder_that_is_a_run_s_or_another_s_at_work_is_refused(tmp_path: Path, folder: Path) -> None:
    campaign = staged(tmp_path, tmp_path / "runs")
    with (
        locked(campaign.folder / ".campaign.lock", wait=False, what="it"),
        pytest.raises(UsageError, match=r"campaign small.*another process"),
    ):
        run(campaign, ["nothing"])
    (campaign.folder / "execution.json").write_text("{}")
    with pytest.raises(UsageError, match="a run of this name is there"):
        staged(tmp_path, tmp_path / "runs")
