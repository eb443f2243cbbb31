"""A campaign's one pipeline, really run: every cell is what it is when it is run by itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import DIGITS

from boomerang.safeio import load_json
from pipelines.campaign.entry import load
from pipelines.campaign.member import Member
from pipelines.check import check_definition
from pipelines.definition.build import build, build_campaign
from pipelines.definition.cell_steps import measured_by
from pipelines.runners.process.runner import execute
from pipelines.runners.verify import verify
from pipelines.runs.records import Execution, StepRecord

pytestmark = pytest.mark.whole

ATTACKS = {
    "corner": [],
    "flips": ['attacks=[{ kind = "label_flip_random", name = "flips", rate = 0.2 }]'],
}
DEFENSES = {"nothing": ["harden=[]"], "retrain": ['harden=[{ kind = "retrain" }]']}
SHORT = ["train.epochs=3"]
# What a cell reads at its end, and so all that it depends on.
READ = ("heldout", "train", "secret", "screen", "baseline", "victim")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    file = tmp_path_factory.mktemp("entry") / "digits.toml"
    file.write_text(DIGITS)
    return [
        Member(f"{attack}-{defense}", load(str(file), [*SHORT, *staged, *settings]))
        for attack, staged in ATTACKS.items()
        for defense, settings in DEFENSES.items()
    ]


@pytest.fixture(scope="module")
def definition(members: list[Member]) -> dict[str, Any]:
    return build_campaign("trial", members).definition


@pytest.fixture(scope="module")
def campaign(members: list[Member], tmp_path_factory: pytest.TempPathFactory) -> Execution:
    built = build_campaign("trial", members)
    return execute(
        built.definition, built.staged, workspace=tmp_path_factory.mktemp("campaign"), run_id="campaign"
    )


@pytest.fixture(scope="module")
def alone(members: list[Member], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Execution]:
    workspace, found = tmp_path_factory.mktemp("alone"), {}
    for member in members:
        built = build(member.config, gated=False)
        found[member.name] = execute(built.definition, built.staged, workspace=workspace, run_id=member.name)
    return found


def test_each_shared_step_ran_once(campaign: Execution) -> None:
    assert campaign.status == "Succeeded", campaign.failure
    ran = Counter(
        record.name.rpartition("-")[0].rstrip("2") for record in campaign.steps if not record.cached
    )
    assert ran == {
        **{"Preprocess": 1, "TrainBaseline": 1, "Poison": 2, "TrainVictim": 2, "Screen": 2},
        **{"Harden": 2, "Evaluate": 4},
    }
    assert len(campaign.steps) == sum(ran.values())
    assert verify(campaign.run_dir.parent) == []


def digests(record: StepRecord) -> dict[str, str]:
    return {name: each["digest"] for name, each in record.inputs.items()}


def test_every_cell_is_made_of_the_same_bytes_as_by_itself(
    definition: dict[str, Any], campaign: Execution, alone: dict[str, Execution]
) -> None:
    assert check_definition(definition) == []
    cells = measured_by(definition)
    assert set(cells) == set(alone)
    for name, step in cells.items():
        together, single = campaign.step(step), alone[name].step("Evaluate")
        hardened = ["hardened"] if name.endswith("retrain") else []
        assert set(READ).union(hardened, ["config"]) == set(digests(together))
        assert digests(together) == digests(single)
        assert together.key == single.key
        assert together.outputs["evaluation"].digest == single.outputs["evaluation"].digest


def test_the_numbers_of_every_cell_are_the_same(
    definition: dict[str, Any], campaign: Execution, alone: dict[str, Execution]
) -> None:
    found = {}
    for name, step in measured_by(definition).items():
        together = load_json(campaign.path(step, "evaluation") / "metrics.json")
        assert together == load_json(alone[name].path("Evaluate", "evaluation") / "metrics.json")
        models = together["models"]
        assert ("hardened" in models) == name.endswith("retrain")
        found[name] = models[next(reversed(models))]["verdict"]["passed"]
    assert len(found) == 4
    victim = load_json(campaign.path("Evaluate-0", "evaluation") / "metrics.json")["models"]["victim"]
    assert victim["attacks"][0]["asr"]["value"] > 0.5, (
        "the corner was learned, so that there is something to tell"
    )


def test_again_all_of_it_comes_from_the_cache_of_the_cells(
    members: list[Member], alone: dict[str, Execution], tmp_path: Path
) -> None:
    built = build_campaign("trial", members)
    workspace = next(iter(alone.values())).run_dir.parent
    again = execute(built.definition, built.staged, workspace=workspace, run_id="together")
    assert {record.name for record in again.steps if not record.cached} == set()
