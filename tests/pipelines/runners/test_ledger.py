"""What a run leaves: staged files, packages with their card, its lineage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute

from boomerang.errors import UsageError


def traced(step: dict[str, Any] | None = None) -> dict[str, Any]:
    """The toy pipeline, with a Lineage step after its registration."""
    definition = toy.definition()
    definition["Steps"][-1]["Arguments"]["IfSteps"].append(step or toy.lineage())
    return definition


def test_a_lineage_step_leaves_its_graph_with_digests(ready: Execute) -> None:
    execution = ready(traced())

    assert execution.step("Lineage").detail == "actions: 3, artifacts: 4, associations: 6"
    found = json.loads((execution.run_dir / "lineage.json").read_text())
    content = {each["name"]: each["content"] for each in found["entities"]}
    assert content["Make-train-run"] == execution.step("Make").outputs["train"].digest
    assert content["config-run"] == execution.step("Make").inputs["config"]["digest"]
    package = json.loads((execution.run_dir.parent / "registry/toys/1/package.json").read_text())
    assert content["package-run"] == package["digest"]
    assert content["Make-run"] is None, "an action has no content"


def test_another_step_may_read_what_a_lineage_made(ready: Execute) -> None:
    arn = toy.get("Steps.Lineage.ArtifactArns['package-run']")
    definition = traced()
    last = toy.processing("Last", "processing.make", {"config": toy.CONFIG}, ["train"], [arn])
    definition["Steps"][-1]["Arguments"]["IfSteps"].append(last)
    execution = ready(definition)
    assert (execution.path("Last", "train") / "x.txt").read_text() == "hello run/package-run"


def test_a_run_that_fails_before_it_leaves_no_lineage_of_an_earlier_try(ready: Execute) -> None:
    assert (ready(traced()).run_dir / "lineage.json").is_file()
    execution = ready(traced(), jobs={"measure": "sys.exit(3)"})
    assert execution.failed_step == "Measure"
    assert not (execution.run_dir / "lineage.json").exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a["Artifacts"].pop(0), "an association is of Artifact 'config-run'"),
        (lambda a: a["Artifacts"].append(a["Artifacts"][0]), "it makes two of Artifact 'config-run'"),
        (lambda a: a["Actions"][0].pop("Source"), "its arguments lack 'Source'"),
        (lambda a: a["Artifacts"][0]["Properties"].update(Rows=3), "properties.Rows"),
    ],
)
def test_a_lineage_that_could_not_be_recorded_fails(
    ready: Execute, spoil: Callable[[dict[str, Any]], Any], why: str
) -> None:
    step = toy.lineage()
    spoil(step["Arguments"])
    execution = ready(traced(step))
    assert execution.failed_step == "Lineage"
    assert why in execution.failure
    assert not (execution.run_dir / "lineage.json").exists()


def test_a_package_has_its_description_and_its_card(ready: Execute) -> None:
    definition = toy.definition()
    arguments = definition["Steps"][-1]["Arguments"]["IfSteps"][0]["Arguments"]
    arguments["ModelPackageDescription"] = toy.join("it says:", toy.metric("reasons"), on=" ")
    arguments["ModelCard"] = {"ModelCardContent": toy.join('{"drop": ', toy.metric("gate.drop"), "}", on="")}
    execution = ready(definition)
    file = execution.run_dir.parent / "registry/toys/1/package.json"
    package = json.loads(file.read_text())
    assert (package["description"], package["card"]) == ("it says: ", {"drop": 0.01})


def test_a_card_that_is_no_json_fails_the_registration(ready: Execute) -> None:
    definition = toy.definition()
    arguments = definition["Steps"][-1]["Arguments"]["IfSteps"][0]["Arguments"]
    arguments["ModelCard"] = {"ModelCardContent": toy.join('{"drop": ', toy.metric("reasons"), "}", on="")}
    execution = ready(definition)
    assert (execution.failed_step, "its model card is no JSON" in execution.failure) == ("Register", True)


def test_staged_folders_arrive_whole_and_links_out_of_them_are_refused(run: Execute, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "set").mkdir(parents=True)
    (folder / "set/a.txt").write_text("a")
    step = toy.processing("Make", "processing.make", {"pictures": "s3://b/p"}, ["train"])
    body = """
text = (ml / "processing/input/pictures/set/a.txt").read_text()
(ml / "processing/output/train/x.txt").write_text(text)
"""
    staged = {**toy.STAGED, "s3://b/p": folder}

    execution = run(toy.definition(step), staged=staged, jobs={"make": body})
    assert (execution.path("Make", "train") / "x.txt").read_text() == "a"
    assert os.access(folder / "set/a.txt", os.W_OK)

    (folder / "out").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="is a link"):
        run(toy.definition(step), staged=staged)


@pytest.mark.parametrize("worse", [True, False])
def test_a_condition_that_is_turned_registers_nothing(ready: Execute, worse: bool) -> None:
    definition = toy.definition()
    definition["Steps"][-1]["Arguments"]["Conditions"][0]["Type"] = "GreaterThan"
    execution = ready(definition, parameters={"MaxDrop": "0.001"} if worse else {})

    assert execution.failed_step == ("Register" if worse else "RegisterRejected")
    assert "the condition and the verdict differ" in execution.failure
    assert not list((execution.run_dir.parent / "registry").rglob("package.json"))
