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

from boomerang.errors import IntegrityError, UsageError
from boomerang.signing import new_key, verify_signed_file
from pipelines.runners.ledger import held_run, write_report_again
from pipelines.runners.verify import verify
from pipelines.runs.records import Event


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


# --- one run a name -------------------------------------------------------------------------------


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_a_run_is_written_while_another_process_works_on_it(
    ready: Execute, tmp_path: Path
) -> None:
    ready(config={"seed": 1})
    before = files(tmp_path / "runs" / "run")
    with held_run(tmp_path / "runs", "run"), pytest.raises(UsageError, match="another process is working"):
        ready(config={"seed": 2})
    assert files(tmp_path / "runs" / "run") == before


def test_the_config_is_part_of_the_record_from_the_start(ready: Execute) -> None:
    seen: list[dict[str, Any]] = []

    def look(event: Event) -> None:
        if not seen:
            seen.append(json.loads((run_dir / "execution.json").read_text()))

    run_dir = ready(config={"seed": 1}).run_dir
    ready(config={"seed": 1}, on_event=look)
    assert seen[0]["status"] == "Running" and seen[0]["files"].keys() == {"config.json", "definition.json"}


@pytest.mark.parametrize(
    "other",
    [
        {"config": {"seed": 2}},
        {"parameters": {"Word": "two"}},
        {"definition": toy.definition() | {"Version": "other"}},
    ],
)
def test_a_run_whose_package_is_kept_is_not_run_again_with_other_settings(
    ready: Execute, tmp_path: Path, other: dict[str, Any]
) -> None:
    same: dict[str, Any] = {"config": {"seed": 1}, "parameters": {"Word": "one"}}
    ready(**same)
    before = files(tmp_path / "runs" / "run")
    with pytest.raises(UsageError, match=r"other settings.* toys/1.*\n.*--id"):
        ready(**(same | other))
    assert files(tmp_path / "runs" / "run") == before
    assert ready(**same).step("Register").detail.startswith("toys/1,"), "with the same it goes on"
    assert ready(**(same | other), run_id="another").status == "Succeeded"


def test_a_run_that_registered_nothing_may_be_told_something_else(ready: Execute) -> None:
    assert ready(config={"seed": 1}, jobs={"measure": "sys.exit(3)"}).failed_step == "Measure"
    assert ready(config={"seed": 2}).status == "Succeeded"


def test_a_folder_that_is_no_run_is_not_cleared(ready: Execute, tmp_path: Path) -> None:
    outside = tmp_path / "project"
    for folder in (outside, tmp_path / "runs" / "mine"):
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / "logs" / "x.log").write_text("mine")
    (outside / "logs").chmod(0o700)
    (tmp_path / "runs" / "link").symlink_to(outside)
    (tmp_path / "runs" / "file").write_text("mine")
    for name, why in {"link": "it is a link", "mine": "holds no run", "file": "it is no folder"}.items():
        with pytest.raises(UsageError, match=why):
            ready(run_id=name)
    assert (outside / "logs/x.log").read_text() == (tmp_path / "runs/mine/logs/x.log").read_text() == "mine"
    assert (outside / "logs").stat().st_mode & 0o777 == 0o700 and not (outside / ".lock").exists()


def test_an_interrupted_run_has_its_record_digested(ready: Execute, tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if (event.step, event.kind) == ("Gate", "started"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready(on_event=interrupt)
    assert verify(tmp_path / "runs") == []


# --- the report, written again --------------------------------------------------------------------


def write(text: str) -> Callable[[Path], object]:
    def report(run_dir: Path) -> None:
        for name in ("report.html", "report.json"):
            (run_dir / name).write_text(text)

    return report


def test_a_report_that_is_written_again_is_recorded_and_takes_nothing_on_trust(ready: Execute) -> None:
    run_dir = ready(config={"seed": 1}, report=write("one")).run_dir
    (run_dir / "report.html").write_text("forged")
    write_report_again(run_dir, write("two"))
    assert verify(run_dir) == [] and (run_dir / "report.html").read_text() == "two"
    (run_dir / "config.json").write_text('{"seed": 7}')
    with pytest.raises(IntegrityError, match=r"config\.json: has been changed"):
        write_report_again(run_dir, write("three"))
    assert (run_dir / "report.html").read_text() == "two"


def test_the_report_of_a_signed_run_is_signed_again_or_stays(ready: Execute, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    public = new_key(key)
    run_dir = ready(report=write("one"), signing_key=key).run_dir
    write_report_again(run_dir, write("one"))
    with pytest.raises(UsageError, match="--sign KEY"):
        write_report_again(run_dir, write("two"))
    assert (run_dir / "report.html").read_text() == "one" and verify(run_dir) == []
    write_report_again(run_dir, write("two"), key)
    record = run_dir / "execution.json"
    assert (
        verify_signed_file(record, [public], kind="run", signature=run_dir / "signature.json").name == "run"
    )
