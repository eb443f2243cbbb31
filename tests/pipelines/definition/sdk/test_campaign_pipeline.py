"""A campaign's pipeline: what cells share is there once, and every cell is what it is alone."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.attack_pools import add_kind
from helpers.campaign_cells import bodies, body, cells, loop
from helpers.definitions import ATTACK, FLIP, PATCH, REPAIR, config, inputs
from helpers.ranges import ROOT

import training.repair
from boomerang.errors import ConfigError
from pipelines.campaign.member import Member
from pipelines.campaign.site import LOCAL, Signing
from pipelines.check import check_definition
from pipelines.definition import build as module
from pipelines.definition.build import build, build_campaign
from pipelines.definition.cell_steps import measured_by
from pipelines.definition.sdk import campaign_pipeline
from pipelines.language.expressions import gets
from pipelines.language.graph import Node, flatten

SIGNED = replace(LOCAL, signing=Signing(LOCAL.kms_key, "MFkw"))
GOLDEN = ROOT / "tests" / "golden" / "campaign.json"
RENEW = "BOOMERANG_RENEW_GOLDEN"
TRIED = {"kind": "tried"}
WHOLE = {
    "Worlds": (1, ["Preprocess", "TrainBaseline"]),
    "Attacks": (2, ["Poison", "TrainVictim"]),
    "Screens": (2, ["Screen"]),
    "Cells": (2, ["Evaluate"]),
    "Cells2": (2, ["Harden2", "Evaluate2"]),
}


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return build_campaign("trial", cells()).definition


def test_what_cells_share_is_there_once(definition: dict[str, Any]) -> None:
    assert bodies(definition) == WHOLE


def test_another_seed_shares_nothing() -> None:
    members = [
        Member(f"{each.name}-{seed}", each.config.model_copy(update={"seed": seed}))
        for seed in range(3)
        for each in cells()
    ]
    counts = {name: count for name, (count, _) in bodies(build_campaign("trial", members).definition).items()}
    assert counts == {name: 3 * count for name, (count, _) in WHOLE.items()}


def test_another_screen_shares_the_victim() -> None:
    screens = [{"detectors": [{"kind": kind}]} for kind in ("data_validation", "spectral_signatures")]
    members = [Member(str(i), config(attacks=[FLIP], screen=screen)) for i, screen in enumerate(screens)]
    counts = [count for count, _ in bodies(build_campaign("trial", members).definition).values()]
    assert counts == [1, 1, 2, 2]


def jobs(definition: dict[str, Any]) -> dict[str, Node]:
    return {node.name: node for node in flatten(definition["Steps"])}


def told(node: Node) -> dict[str, Any]:
    """What a job is told: all of its arguments but where its outputs go, and whose outputs it reads."""
    left = {
        key: value
        for key, value in node.arguments.items()
        if not key.endswith(("OutputConfig", "DataConfig"))
    }
    read = {name: None if isinstance(uri, dict) else uri for name, uri in inputs(dict(node.step)).items()}
    return {**left, "ProcessingInputs": read}


def test_every_job_of_a_cell_is_told_what_the_cell_alone_tells_it(
    definition: dict[str, Any], tmp_path: Path
) -> None:
    found = jobs(definition)
    for member in cells():
        alone = jobs(build(member.config, gated=False).definition)
        names = ancestry(found, measured_by(definition)[member.name])
        assert {name.rstrip("0123456789-") for name in names} == set(alone)
        for name in names:
            assert told(found[name]) == told(alone[name.rstrip("0123456789-")]), name


def ancestry(found: dict[str, Node], name: str) -> set[str]:
    """A step and all that it waits for, directly or not."""
    return {name}.union(*(ancestry(found, each) for each in found[name].waits_for))


def test_what_is_staged_is_what_the_cells_alone_stage() -> None:
    members = cells()
    alone = [build(member.config, gated=False).staged for member in members]
    assert build_campaign("trial", members).staged == {uri: x for each in alone for uri, x in each.items()}


def test_each_output_of_each_item_has_an_address_of_its_own(definition: dict[str, Any]) -> None:
    texts = []
    for node in jobs(definition).values():
        outputs = node.arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
        texts += [json.dumps(entry["S3Output"]["S3Uri"]) for entry in outputs]
        if node.kind == "Training":
            texts.append(json.dumps(node.arguments["OutputDataConfig"]["S3OutputPath"]))
    assert len(texts) == len(set(texts)) and all('"Execution.PipelineExecutionId"' in text for text in texts)
    assert any('"cells", "patch-retrain", "Evaluate/evaluation"' in text for text in texts)


def test_the_truth_lies_where_the_roles_of_the_stack_keep_it(definition: dict[str, Any]) -> None:
    poison = jobs(definition)["Poison-1"].arguments["ProcessingOutputConfig"]["Outputs"]
    (secret,) = [each["S3Output"]["S3Uri"] for each in poison if each["OutputName"] == "secret"]
    place = "/".join(part if isinstance(part, str) else "*" for part in secret["Std:Join"]["Values"])
    assert place == f"{LOCAL.root}/trial/runs/*/attacks/1/Poison/secret"


def test_no_address_of_a_run_is_an_input(definition: dict[str, Any]) -> None:
    for node in jobs(definition).values():
        for name, uri in inputs(dict(node.step)).items():
            assert "/inputs/" in uri if isinstance(uri, str) else set(uri) == {"Get"}, (node.name, name)


def test_a_field_of_an_item_differs_between_items_or_is_made_before(definition: dict[str, Any]) -> None:
    read = {path for path in gets(body(definition, "TrainVictim")) if path.startswith("ForEach.")}
    assert read == {
        f"ForEach.CurrentItem.{field}"
        for field in (
            "name",
            "TrainVictim_inputs_validation",
            "TrainVictim_inputs_baseline",
            "TrainVictim_checkpoints",
        )
    }


def test_settings_of_a_training_that_differ_are_fields_too() -> None:
    entries = {str(rate): {"learning_rate": rate} for rate in (0.001, 0.002)}
    members = [Member(name, config(train=train, attacks=[FLIP])) for name, train in entries.items()]
    definition = build_campaign("trial", members).definition
    found = jobs(definition)
    for index, rate in enumerate(entries):
        assert found[f"TrainBaseline-{index}"].arguments["HyperParameters"]["train.learning_rate"] == rate
    assert check_definition(definition) == []


def shapes(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Member]:
    """Cells of all shapes that there are, but for one whose attack trains the victim."""
    (folder / "one.png").write_bytes(b"one")
    (folder / "data.npz").write_bytes(b"data")
    add_kind(monkeypatch, folder, "tried", ATTACK % 'needs = ("surrogate",)')
    (folder / "scrub.py").write_text(REPAIR)
    monkeypatch.setattr(training.repair, "__path__", [*training.repair.__path__, str(folder)])
    smoothing = [{"kind": "spatial_smoothing"}]
    return [
        Member("pictures", config(folder, attacks=[FLIP])),
        Member("file", config(data={"path": str(folder / "data.npz")}, attacks=[FLIP])),
        Member("trigger", config(attacks=[PATCH | {"image": "cyan-square"}])),
        Member("surrogate", config(attacks=[TRIED])),
        Member("random", config(attacks=[FLIP], screen={"control": "random"})),
        Member("perfect", config(attacks=[FLIP], screen={"control": "perfect"})),
        Member("scratch", config(attacks=[FLIP], victim={"schedule": "retrain"})),
        Member("repaired", config(attacks=[FLIP], harden=[{"kind": "scrub"}])),
        Member("wrapped", config(attacks=[FLIP], harden=[], inference=smoothing)),
        *cells(),
    ]


@pytest.mark.parametrize("site", [LOCAL, SIGNED], ids=["unsigned", "signed"])
def test_cells_of_other_shapes_are_other_steps_and_there_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, site: Any
) -> None:
    members = shapes(monkeypatch, tmp_path)
    definition = build_campaign("trial", members, site).definition
    assert check_definition(definition) == []
    assert set(measured_by(definition)) == {member.name for member in members}
    found = jobs(definition)
    for member in members:
        alone = jobs(build(member.config, site, gated=False).definition)
        for name in ancestry(found, measured_by(definition)[member.name]):
            assert told(found[name]) == told(alone[name.rstrip("0123456789-")]), (member.name, name)


def test_an_attack_that_trains_the_victim_is_another_shape(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    members = [Member("tried", config(attacks=[TRIED])), *cells()]
    definition = build_campaign("trial", members).definition
    assert check_definition(definition) == []
    assert bodies(definition)["Attacks"][0] == 1 and bodies(definition)["Attacks2"][0] == 2


def test_one_step_takes_a_hundred_items() -> None:
    member = cells()[0]
    members = [Member(f"cell-{number}", member.config) for number in range(201)]
    definition = build_campaign("trial", members, max_concurrency=50).definition
    assert [count for count, _ in bodies(definition).values()] == [1, 1, 1, 100, 100, 1]
    assert loop(definition, "Cells3")["MaxConcurrency"] == 50
    assert check_definition(definition) == []


def test_machines_that_share_the_rows_are_in_the_bodies() -> None:
    definition = build_campaign("trial", cells(jobs={"processing_count": 2, "training_count": 2})).definition
    assert bodies(definition)["Worlds"][1] == ["PreprocessParts", "Preprocess", "TrainBaseline"]
    assert check_definition(definition) == []


@pytest.mark.parametrize(
    ("members", "at_once", "why"),
    [
        ([], 1, "it has no cells"),
        ([Member("a/b", config())], 1, "two cells have that name, or it is none"),
        ([Member("a", config()), Member("a", config(seed=1))], 1, "two cells have that name"),
        (
            [Member("a", config()), Member("b", config(jobs={"spot": False}))],
            1,
            r"its \[jobs\] is not that of 'a'",
        ),
        ([Member("a", config()), Member("b", config(gate={"max_asr_upper": 1}))], 1, r"its \[gate\]"),
        (cells(), 0, "SageMaker takes 1 to 50 steps at once"),
        (cells(), 51, "SageMaker takes 1 to 50 steps at once"),
    ],
)
def test_what_cannot_be_one_pipeline_is_refused(members: list[Member], at_once: int, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        build_campaign("trial", members, max_concurrency=at_once)


def test_what_a_site_has_no_role_for_is_refused_with_the_cell() -> None:
    deployed = replace(LOCAL, roles=replace(LOCAL.roles, control=None))
    controlled = Member("perfect", config(attacks=[FLIP], screen={"control": "perfect"}))
    with pytest.raises(ConfigError, match=r"cell 'perfect': step Screen.*Poison's secret"):
        build_campaign("trial", [*cells(), controlled], deployed)


@pytest.mark.parametrize("name", ["checkpoints", "Trial", ""])
def test_a_campaign_is_called_as_an_entry_may_be(name: str) -> None:
    with pytest.raises(ConfigError):
        build_campaign(name, cells())


def test_a_campaign_that_needs_more_steps_than_a_pipeline_has_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign_pipeline, "MOST_STEPS", 4)
    with pytest.raises(ConfigError, match="5 ForEach steps, and a pipeline has 4 steps at most"):
        build_campaign("trial", cells())


def test_a_definition_that_is_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, definition: dict[str, Any]
) -> None:
    size = len(json.dumps(definition))
    monkeypatch.setattr(module, "MOST_CHARACTERS", size)
    assert build_campaign("trial", cells()).definition == definition
    monkeypatch.setattr(module, "MOST_CHARACTERS", size - 1)
    with pytest.raises(ConfigError, match=f"{size} characters, and SageMaker takes {size - 1}"):
        build_campaign("trial", cells())


def test_the_definition_is_the_one_that_was_looked_at() -> None:
    """The signed definition of two attacks by two defenses, word for word; renewed as the others are."""
    text = json.dumps(build_campaign("trial", cells(), SIGNED).definition, indent=1) + "\n"
    if os.environ.get(RENEW) == "1":
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN} is written anew; look at what changed, and run this without {RENEW}")
    assert text == GOLDEN.read_text(), f"if the change is meant, {RENEW}=1 writes {GOLDEN.name} anew"
