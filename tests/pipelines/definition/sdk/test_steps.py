"""The steps that a recipe asks for: a surrogate, a training that the attacker runs, ways to harden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.attack_pools import add_kind
from helpers.definitions import ATTACK, FLIP, REPAIR, config, inputs, names, step

import training.repair
from boomerang.errors import ConfigError
from pipelines.campaign.site import LOCAL, Roles, Signing, site_of
from pipelines.check import check_definition
from pipelines.definition.build import build

SIGNED = replace(LOCAL, signing=Signing("file:key.pem", "MFkw"))

TRIED = {"kind": "tried"}


def secret_readers(definition: dict[str, Any]) -> set[str]:
    wanted = "Steps.Poison.ProcessingOutputConfig.Outputs['secret'].S3Output.S3Uri"
    found = {name: inputs(step(definition, name)) for name in jobs(definition)}
    return {name for name, given in found.items() if {"Get": wanted} in given.values()}


def jobs(definition: dict[str, Any]) -> list[str]:
    kinds = {"Processing", "Training"}
    return [name for name in names(definition) if step(definition, name)["Type"] in kinds]


def command(definition: dict[str, Any], name: str) -> list[str]:
    found: list[str] = step(definition, name)["Arguments"]["AlgorithmSpecification"].get(
        "ContainerEntrypoint"
    )
    return found


def test_an_attack_that_needs_a_surrogate_brings_the_baseline_to_poison(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = build(config(attacks=[FLIP])).definition
    assert "surrogate" not in inputs(step(plain, "Poison"))
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % 'needs = ("surrogate",)')
    definition = build(config(attacks=[FLIP, TRIED])).definition
    given = inputs(step(definition, "Poison"))["surrogate"]
    assert given == {"Get": "Steps.TrainBaseline.ModelArtifacts.S3ModelArtifacts"}
    assert names(definition) == names(plain) and check_definition(definition) == []


def test_an_attack_on_test_images_brings_what_was_held_out_to_poison_and_another_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needs = "def requires(self):\n        return ('test',) if self.name == 'seer' else ()"
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % needs)
    blind = build(config(attacks=[TRIED])).definition
    assert "heldout" not in inputs(step(blind, "Poison"))
    definition = build(config(attacks=[{**TRIED, "name": "seer"}])).definition
    given = inputs(step(definition, "Poison"))["heldout"]
    assert given == inputs(step(definition, "Evaluate"))["heldout"]
    assert names(definition) == names(blind) and check_definition(definition) == []


def test_an_attack_that_takes_over_is_given_the_secret_and_the_definition_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    honest = build(config(attacks=[FLIP])).definition
    assert secret_readers(honest) == {"Evaluate"} and command(honest, "TrainVictim") is None
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    taken = build(config(attacks=[FLIP, TRIED])).definition
    assert secret_readers(taken) == {"TrainVictim", "Evaluate"}
    assert command(taken, "TrainVictim") == ["python", "-m", "processing.takeover"]
    assert command(taken, "TrainBaseline") is None and check_definition(taken) == []
    told = step(taken, "TrainVictim")["Arguments"]["HyperParameters"]
    assert "tried" in told["attacks"]
    assert "attacks" not in step(honest, "TrainVictim")["Arguments"]["HyperParameters"]


def test_what_the_attacker_is_given_is_signed_like_all_that_a_training_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    taken = build(config(attacks=[TRIED]), SIGNED).definition
    given = inputs(step(taken, "TrainVictim"))
    assert "secret_signature" in given and "secret" in given
    assert secret_readers(taken) == {"SignPoison", "TrainVictim", "Evaluate"}
    assert check_definition(taken) == []


def test_no_honest_training_may_be_given_the_secret_nor_another_one_run_as_the_attacker_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    taken = build(config(attacks=[TRIED])).definition
    del step(taken, "TrainVictim")["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    said = [problem for problem in check_definition(taken) if problem.where == "TrainVictim"]
    assert ["is for Evaluate alone" in problem.what for problem in said] == [True]
    other = build(config(attacks=[TRIED])).definition
    entered = step(other, "TrainVictim")["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    step(other, "TrainBaseline")["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = entered
    assert any(
        problem.where == "TrainBaseline" and "TrainVictim alone may" in problem.what
        for problem in check_definition(other)
    )


def test_a_deployed_range_has_no_role_that_may_take_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_kind(monkeypatch, tmp_path, "tried", ATTACK % "takes_over = True")
    deployed = replace(LOCAL, roles=Roles(**{**vars(LOCAL.roles), "takeover": None}))
    with pytest.raises(ConfigError, match=r"step TrainVictim.*needs Poison's secret(.|\n)*on this machine"):
        build(config(attacks=[TRIED]), deployed)


def test_a_first_repair_of_the_victim_is_given_the_victim(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "scrub.py").write_text(REPAIR)
    monkeypatch.setattr(training.repair, "__path__", [*training.repair.__path__, str(tmp_path)])
    victim = {"Get": "Steps.TrainVictim.ModelArtifacts.S3ModelArtifacts"}
    for repairs, given in (
        ([{"kind": "scrub"}, {"kind": "retrain"}], victim),
        ([{"kind": "retrain"}, {"kind": "scrub"}], None),
    ):
        definition = build(config(attacks=[FLIP], harden=repairs)).definition
        harden = step(definition, "Harden")
        assert inputs(harden).get("victim") == given
        told = harden["Arguments"]["HyperParameters"]
        assert told["start"] == ("victim" if given else "scratch")
        assert "scrub" in told["repairs"] and check_definition(definition) == []


def test_a_defense_at_inference_alone_wraps_the_victim_and_is_the_candidate() -> None:
    smoothing = [{"kind": "spatial_smoothing"}]
    definition = build(config(attacks=[FLIP], harden=[], inference=smoothing)).definition
    given = inputs(step(definition, "Harden"))
    assert "victim" in given and "screen" not in given
    assert inputs(step(definition, "Evaluate"))["hardened"] == {
        "Get": "Steps.Harden.ModelArtifacts.S3ModelArtifacts"
    }
    assert check_definition(definition) == []
    none = build(config(attacks=[FLIP], harden=[], inference=[])).definition
    assert "Harden" not in names(none)


PERFECT = {"control": "perfect"}


def entered(definition: dict[str, Any], name: str) -> list[str]:
    """The command of a processing job."""
    found: list[str] = step(definition, name)["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    return found


@pytest.mark.parametrize("control", ["random", "perfect"])
def test_a_control_is_given_the_secret_in_the_place_of_the_screen_and_the_definition_says_so(
    control: str,
) -> None:
    honest = build(config(attacks=[FLIP])).definition
    assert secret_readers(honest) == {"Evaluate"}
    assert entered(honest, "Screen") == ["python", "-m", "processing.screen"]
    controlled = build(config(attacks=[FLIP], screen={"control": control})).definition
    assert names(controlled) == names(honest) and check_definition(controlled) == []
    assert secret_readers(controlled) == {"Screen", "Evaluate"}
    assert entered(controlled, "Screen") == ["python", "-m", "processing.control"]
    assert set(inputs(step(controlled, "Screen"))) == {"config", "train", "secret"}
    assert step(controlled, "Screen")["Arguments"]["RoleArn"] == LOCAL.roles.evaluate
    for name in ("Harden", "Evaluate"):
        assert inputs(step(controlled, name)).keys() == inputs(step(honest, name)).keys()


def test_a_control_is_one_machine_s_and_what_is_kept_of_it_is_signed_like_a_screen() -> None:
    jobs = {"processing_count": 3}
    controlled = build(config(attacks=[FLIP], screen=PERFECT, jobs=jobs), SIGNED).definition
    assert "ScreenParts" not in names(controlled) and "EvaluateParts" in names(controlled)
    assert secret_readers(controlled) == {"Screen", "EvaluateParts", "Evaluate"}
    assert set(inputs(step(controlled, "SignScreen"))) >= {"screen"}
    assert check_definition(controlled) == []


def test_no_screen_may_be_given_the_secret_nor_another_step_run_as_a_control() -> None:
    controlled = build(config(attacks=[FLIP], screen=PERFECT)).definition
    entered(controlled, "Screen")[2] = "processing.screen"
    said = [problem.what for problem in check_definition(controlled) if problem.where == "Screen"]
    assert len(said) == 1 and "is for Evaluate alone" in said[0]
    other = build(config(attacks=[FLIP], screen=PERFECT)).definition
    entered(other, "Preprocess")[2] = "processing.control"
    assert any(
        problem.where == "Preprocess" and "Screen alone may" in problem.what
        for problem in check_definition(other)
    )


def test_a_deployed_range_has_no_role_that_may_run_a_control() -> None:
    outputs = {f"{kind}RoleArn": f"arn:aws:iam::123456789012:role/{kind}" for kind in DEPLOYED}
    outputs |= dict.fromkeys(("DataBucketName", "PackageGroupName", "DataKeyArn", "SigningKeyArn"), "x")
    deployed = site_of(outputs, project="p", image=LOCAL.image, region="us-east-1", public_key="MFkw")
    with pytest.raises(
        ConfigError, match=r"step Screen.*reads Poison's secret(.|\n)*leave screen\.control out"
    ):
        build(config(attacks=[FLIP], screen=PERFECT), deployed)


DEPLOYED = ("Processing", "Training", "Evaluate", "Signing", "Canary")


def given(tmp_path: Path, role: str, site: Any = LOCAL, **sections: Any) -> dict[str, Any]:
    """The definition of an entry with a model of one's own, which nothing here opens."""
    (tmp_path / "own.h5").write_bytes(b"a model")
    own = {"path": str(tmp_path / "own.h5"), "role": role}
    model = {"architecture": "as_given"}
    return build(config(given=own, model=model, attacks=[FLIP], **sections), site).definition


@pytest.mark.parametrize(
    ("role", "taken", "reads"),
    [
        ("baseline", "TrainBaseline", {"TrainBaseline", "Harden"}),
        ("victim", "TrainVictim", {"TrainBaseline", "TrainVictim", "Harden"}),
    ],
)
def test_a_given_model_is_a_channel_of_the_trainings_that_need_its_file(
    role: str, taken: str, reads: set[str], tmp_path: Path
) -> None:
    plain = build(config(attacks=[FLIP])).definition
    definition = given(tmp_path, role)
    assert names(definition) == names(plain) and check_definition(definition) == []
    having = {name for name in jobs(definition) if "given" in inputs(step(definition, name))}
    assert having == reads
    assert set(inputs(step(definition, taken))) == {"validation", "given"}
    told = step(definition, taken)["Arguments"]
    assert told["Environment"]["BOOMERANG_INPUT_GIVEN"] in inputs(step(definition, taken))["given"]
    assert told["HyperParameters"]["start"] == "given"
    assert ("baseline" in inputs(step(definition, "TrainVictim"))) == (role == "baseline")
    checkpoints = [
        step(each, "TrainVictim")["Arguments"]["CheckpointConfig"]["S3Uri"] for each in (plain, definition)
    ]
    assert checkpoints[0] != checkpoints[1]


def test_what_is_staged_has_its_digest_in_the_place_of_a_signature(tmp_path: Path) -> None:
    definition = given(tmp_path, "baseline", SIGNED)
    assert check_definition(definition) == []
    assert set(inputs(step(definition, "TrainBaseline"))) == {"validation", "validation_signature", "given"}
    assert "given_signature" not in inputs(step(definition, "Harden"))


def test_the_lineage_of_a_given_model_begins_with_its_file(tmp_path: Path) -> None:
    definition = given(tmp_path, "victim")
    made = step(definition, "Lineage")["Arguments"]
    titles = {each["Properties"]["Title"]: each for each in made["Artifacts"]}
    assert titles["given model"]["ArtifactType"] == "Model"
    assert titles["given model"]["Properties"]["Digest"] in titles["given model"]["Source"]["SourceUri"]
