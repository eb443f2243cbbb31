"""The definition: what each step may see, what the gate asks, and that equal configs give equal text."""

from __future__ import annotations

import copy
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boomerang.config import Config, GateConfig, validate
from boomerang.metrics import GATE
from pipelines.build import Built, build
from pipelines.shapes import all_steps, check_shapes, gets
from pipelines.site import LOCAL, Site

ROOT = Path(__file__).resolve().parents[1]
FLIP = {"kind": "label_flip_random", "rate": 0.1}
PATCH = {"kind": "badnets", "target": "bird", "rate": 0.1}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures-of-a-user")
    (folder / "one.png").write_bytes(b"one")
    return folder


def config(pictures: Path | None = None, **sections: Any) -> Config:
    """A config with one picture set, or none."""
    sets = [{"name": "boomerang", "path": str(pictures), "label": "airplane"}] if pictures else []
    return validate(Config, {"name": "trial", "pictures": sets, **sections}, where="test")


def step(definition: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in all_steps(definition["Steps"]) if entry["Name"] == name)


def inputs(step: dict[str, Any]) -> dict[str, Any]:
    """Each input's address by its name, of a processing or a training step."""
    arguments = step["Arguments"]
    found = {entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in arguments.get("ProcessingInputs", [])}
    for channel in arguments.get("InputDataConfig", []):
        found[channel["ChannelName"]] = channel["DataSource"]["S3DataSource"]["S3Uri"]
    return found


def variants(pictures: Path) -> Iterator[Config]:
    for schedule in ("finetune", "retrain"):
        for harden in ("retrain", "none"):
            for shown in (pictures, None):
                sections = {"victim": {"schedule": schedule}, "harden": {"method": harden}}
                yield config(shown, attacks=[FLIP], **sections)


@pytest.fixture(scope="module")
def built(pictures: Path) -> Built:
    return build(config(pictures, attacks=[FLIP, PATCH]))


@pytest.fixture(scope="module")
def all_built(pictures: Path) -> list[tuple[Config, dict[str, Any]]]:
    return [(entry, build(entry).definition) for entry in variants(pictures)]


def test_truth_and_trigger_go_to_evaluate_alone(all_built: list[tuple[Config, dict[str, Any]]]) -> None:
    for _, definition in all_built:
        wanted = "Steps.Poison.ProcessingOutputConfig.Outputs['secret'].S3Output.S3Uri"
        readers = [
            entry["Name"]
            for entry in all_steps(definition["Steps"])
            if entry["Type"] != "Condition" and wanted in set(gets(entry))
        ]
        assert readers == ["Evaluate"]


def test_no_step_but_evaluate_can_reach_the_folder_that_holds_the_truth(built: Built) -> None:
    """An address that is a prefix of the truth's would hand it over without naming it."""
    for entry in all_steps(built.definition["Steps"]):
        for name, address in inputs(entry).items():
            if isinstance(address, str):
                assert "/inputs/" in address, (entry["Name"], name)
            else:
                assert set(address) == {"Get"}, (entry["Name"], name)


def test_each_step_gets_what_the_contract_says(built: Built, pictures: Path) -> None:
    given = {entry["Name"]: set(inputs(entry)) for entry in built.definition["Steps"] if inputs(entry)}
    assert given == {
        "Preprocess": {"config", "pictures"},
        "TrainBaseline": {"config", "train", "validation"},
        "Poison": {"config", "train", "photos"},
        "TrainVictim": {"config", "train", "validation", "baseline"},
        "Screen": {"config", "train", "trusted", "model"},
        "Harden": {"config", "train", "validation", "screen"},
        "Evaluate": given["Evaluate"],
    }
    assert {
        "secret",
        "test",
        "canary",
        "photos",
        "screen",
        "baseline",
        "victim",
        "hardened",
    } <= given["Evaluate"]


def test_screen_and_training_read_the_poisoned_set(built: Built) -> None:
    poisoned = {"Get": "Steps.Poison.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    for name in ("TrainVictim", "Screen", "Harden"):
        assert inputs(step(built.definition, name))["train"] == poisoned
    clean = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    assert inputs(step(built.definition, "TrainBaseline"))["train"] == clean


def test_other_attacks_leave_the_steps_before_poison_alone(pictures: Path, built: Built) -> None:
    other = build(config(pictures, attacks=[PATCH])).definition
    for name in ("Preprocess", "TrainBaseline"):
        assert step(other, name) == step(built.definition, name)
    assert step(other, "Poison") != step(built.definition, "Poison")


def test_another_limit_leaves_every_step_alone(pictures: Path, built: Built) -> None:
    other = build(config(pictures, attacks=[FLIP, PATCH], gate={"max_asr_upper": 0.5})).definition
    assert other["Steps"] == built.definition["Steps"]
    assert other["Parameters"] != built.definition["Parameters"]


def test_the_same_config_gives_the_same_text_in_another_process(
    pictures: Path, built: Built, tmp_path: Path
) -> None:
    entry = tmp_path / "config.json"
    entry.write_text(config(pictures, attacks=[FLIP, PATCH]).model_dump_json())
    code = (
        "import sys, json; from boomerang.config import Config; from pipelines.build import build;"
        "print(json.dumps(build(Config.model_validate_json(open(sys.argv[1]).read())).definition))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(entry)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == json.dumps(built.definition)
    assert result.stderr == ""


def test_building_leaves_environment_and_logging_as_they_were(pictures: Path) -> None:
    before = dict(os.environ), list(logging.root.handlers), logging.root.level, logging.root.manager.disable
    build(config(pictures, seed=3))
    after = dict(os.environ), list(logging.root.handlers), logging.root.level, logging.root.manager.disable
    assert after == before


def test_no_path_of_this_machine_is_in_the_definition(pictures: Path) -> None:
    data = pictures / "one.png"
    made = build(config(pictures, data={"source": "npz", "path": str(data)}))
    text = json.dumps(made.definition)
    for part in (str(pictures), pictures.name, str(ROOT), str(Path.home()), "/tmp"):
        assert part not in text
    for uri, content in made.staged.items():
        assert str(pictures) not in uri
        assert not isinstance(content, bytes) or str(pictures).encode() not in content


def test_the_service_would_take_every_request(all_built: list[tuple[Config, dict[str, Any]]]) -> None:
    for entry, definition in all_built:
        assert check_shapes(definition) == [], entry


def test_the_gate_asks_for_every_limit(built: Built) -> None:
    conditions = step(built.definition, "Gate")["Arguments"]["Conditions"]
    asked = {(entry["LeftValue"]["Std:JsonGet"]["Path"], entry["RightValue"]["Get"]) for entry in conditions}
    assert asked == {
        (f"gate.{key}", f"Parameters.{limit.title().replace('_', '')}") for key, limit, _ in GATE
    }
    assert {limit for _, limit, _ in GATE} == set(GateConfig.model_fields)
    assert {entry["Type"] for entry in conditions} == {"LessThanOrEqualTo"}


def test_the_limits_are_parameters_and_reach_evaluate_as_texts(pictures: Path) -> None:
    limits = {"max_asr_upper": 0.25, "max_canary_failures": 3}
    definition = build(config(pictures, gate=limits)).definition
    declared = {entry["Name"]: (entry["Type"], entry["DefaultValue"]) for entry in definition["Parameters"]}
    assert declared["MaxAsrUpper"] == ("Float", 0.25)
    assert declared["MaxCanaryFailures"] == ("Integer", 3)
    arguments = step(definition, "Evaluate")["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert arguments[0::2] == [f"--{key.replace('_', '-')}" for key in GateConfig.model_fields]
    assert all(set(value) == {"Std:Join"} for value in arguments[1::2])


def test_a_rejected_candidate_is_registered_before_the_pipeline_fails(built: Built) -> None:
    gate = step(built.definition, "Gate")["Arguments"]
    assert [entry["Name"] for entry in gate["IfSteps"]] == ["Register"]
    assert [entry["Name"] for entry in gate["ElseSteps"]] == ["RegisterRejected", "Fail"]
    assert step(built.definition, "Fail")["DependsOn"] == ["RegisterRejected"]
    status = {name: step(built.definition, name)["Arguments"]["ModelApprovalStatus"] for name in _REGISTERS}
    assert status == {"Register": "PendingManualApproval", "RegisterRejected": "Rejected"}


_REGISTERS = ("Register", "RegisterRejected")


def test_the_candidate_is_the_victim_where_nothing_hardens(
    all_built: list[tuple[Config, dict[str, Any]]],
) -> None:
    for entry, definition in all_built:
        maker = "Harden" if entry.harden.method == "retrain" else "TrainVictim"
        names = [made["Name"] for made in definition["Steps"]]
        assert ("Harden" in names) == (maker == "Harden")
        for name in _REGISTERS:
            containers = step(definition, name)["Arguments"]["InferenceSpecification"]["Containers"]
            assert containers[0]["ModelDataUrl"] == {"Get": f"Steps.{maker}.ModelArtifacts.S3ModelArtifacts"}


def test_the_victim_gets_the_baseline_only_to_be_fine_tuned(
    all_built: list[tuple[Config, dict[str, Any]]],
) -> None:
    for entry, definition in all_built:
        assert ("baseline" in inputs(step(definition, "TrainVictim"))) == (
            entry.victim.schedule == "finetune"
        )


def test_without_pictures_nobody_is_given_photos(all_built: list[tuple[Config, dict[str, Any]]]) -> None:
    for entry, definition in all_built:
        for name in ("Poison", "Evaluate"):
            assert ("photos" in inputs(step(definition, name))) == bool(entry.pictures)
        assert ("pictures" in inputs(step(definition, "Preprocess"))) == bool(entry.pictures)


def test_every_job_is_cached_retried_and_has_no_network(built: Built) -> None:
    for entry in built.definition["Steps"]:
        if entry["Type"] == "Condition":
            continue
        assert entry["CacheConfig"]["Enabled"], entry["Name"]
        kinds = {kind for policy in entry["RetryPolicies"] for kind in policy["ExceptionType"]}
        assert {"Step.THROTTLING", "SageMaker.CAPACITY_ERROR"} <= kinds, entry["Name"]
        network = entry["Arguments"].get("NetworkConfig", entry["Arguments"])
        assert network["EnableNetworkIsolation"] is True, entry["Name"]


def test_a_site_is_where_everything_goes(pictures: Path) -> None:
    site = Site(
        bucket="elsewhere",
        prefix="team",
        role="arn:aws:iam::123456789012:role/range",
        image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/boomerang@sha256:" + "a" * 64,
        region="eu-west-1",
        package_group="range",
    )
    made = build(config(pictures), site)
    assert LOCAL.bucket not in json.dumps(made.definition)
    assert all(uri.startswith("s3://elsewhere/team/inputs/") for uri in made.staged)
    assert step(made.definition, "Register")["Arguments"]["ModelPackageGroupName"] == "range"


def test_an_edited_picture_changes_its_address(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"before")
    before = inputs(step(build(config(tmp_path)).definition, "Preprocess"))
    file.write_bytes(b"behind")
    after = inputs(step(build(config(tmp_path)).definition, "Preprocess"))
    assert before["pictures"] != after["pictures"]
    assert before["config"] == after["config"]


def _no_role(definition: dict[str, Any]) -> None:
    del step(definition, "Screen")["Arguments"]["RoleArn"]


def _bad_role(definition: dict[str, Any]) -> None:
    step(definition, "Screen")["Arguments"]["RoleArn"] = "arn:aws:iam::12:role/x"


def _number_as_argument(definition: dict[str, Any]) -> None:
    arguments = step(definition, "Evaluate")["Arguments"]["AppSpecification"]["ContainerArguments"]
    arguments[1] = {"Get": "Parameters.MaxAccuracyDrop"}


def _unknown_parameter(definition: dict[str, Any]) -> None:
    arguments = step(definition, "Evaluate")["Arguments"]["AppSpecification"]["ContainerArguments"]
    arguments[1]["Std:Join"]["Values"] = [{"Get": "Parameters.MaxAccuracyDorp"}]


def _unknown_output(definition: dict[str, Any]) -> None:
    source = step(definition, "Screen")["Arguments"]["ProcessingInputs"][1]["S3Input"]
    source["S3Uri"] = {"Get": "Steps.Poison.ProcessingOutputConfig.Outputs['trian'].S3Output.S3Uri"}


def _unknown_file(definition: dict[str, Any]) -> None:
    left = step(definition, "Gate")["Arguments"]["Conditions"][0]["LeftValue"]["Std:JsonGet"]
    left["PropertyFile"] = {"Get": "Steps.Evaluate.PropertyFiles.numbers"}


def _misspelled_key(definition: dict[str, Any]) -> None:
    arguments = step(definition, "TrainVictim")["Arguments"]
    arguments["ResourceConfg"] = arguments.pop("ResourceConfig")


def _text_as_volume(definition: dict[str, Any]) -> None:
    step(definition, "TrainVictim")["Arguments"]["ResourceConfig"]["VolumeSizeInGB"] = "30"


def _unknown_instance(definition: dict[str, Any]) -> None:
    step(definition, "TrainVictim")["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.m5.huge"


def _unknown_status(definition: dict[str, Any]) -> None:
    step(definition, "Register")["Arguments"]["ModelApprovalStatus"] = "Pending"


def _too_many_inputs(definition: dict[str, Any]) -> None:
    given = step(definition, "Screen")["Arguments"]["ProcessingInputs"]
    given += [copy.deepcopy(given[0]) for _ in range(10)]


def _long_metadata(definition: dict[str, Any]) -> None:
    step(definition, "Register")["Arguments"]["CustomerMetadataProperties"]["Campaign"] = "a" * 257


def _two_of_a_name(definition: dict[str, Any]) -> None:
    step(definition, "Screen")["Name"] = "Poison"


def _depends_on_nothing(definition: dict[str, Any]) -> None:
    step(definition, "Fail")["DependsOn"] = ["RegisterRejcted"]


@pytest.mark.parametrize(
    "plant",
    [
        _no_role,
        _bad_role,
        _number_as_argument,
        _unknown_parameter,
        _unknown_output,
        _unknown_file,
        _misspelled_key,
        _text_as_volume,
        _unknown_instance,
        _unknown_status,
        _too_many_inputs,
        _long_metadata,
        _two_of_a_name,
        _depends_on_nothing,
    ],
)
def test_a_planted_mistake_is_found(built: Built, plant: Any) -> None:
    definition = copy.deepcopy(built.definition)
    sound = set(check_shapes(definition))
    plant(definition)
    assert set(check_shapes(definition)) - sound


def test_a_kept_definition_is_the_one_that_would_be_built(pictures: Path, tmp_path: Path) -> None:
    entry = config(pictures, attacks=[FLIP])
    fresh = build(entry, cache=tmp_path)
    kept = list(tmp_path.glob("*.json"))
    assert len(kept) == 1
    assert build(entry, cache=tmp_path).definition == fresh.definition == build(entry).definition
    assert json.dumps(build(entry, cache=tmp_path).definition) == json.dumps(fresh.definition)
    build(config(pictures, attacks=[PATCH]), cache=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_damaged_kept_definition_is_built_again(pictures: Path, tmp_path: Path) -> None:
    entry = config(pictures)
    fresh = build(entry, cache=tmp_path).definition
    kept = next(tmp_path.glob("*.json"))
    kept.write_text('{"Steps": [')
    assert build(entry, cache=tmp_path).definition == fresh
    assert json.loads(kept.read_text()) == fresh
