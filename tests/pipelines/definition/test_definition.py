"""The definition: what each step may see, what the gate asks, and that equal configs give equal text."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.definitions import FLIP, PATCH, config, inputs, names, step
from helpers.ranges import ROOT

from boomerang.errors import BadInput
from boomerang.gate import GATE, GateConfig, judge, reasons_text
from pipelines.campaign.entry import bundled, load
from pipelines.campaign.sections import Config
from pipelines.campaign.site import LOCAL, Roles, Signing, Site, local_site
from pipelines.check import check_definition
from pipelines.definition.build import Built, build, build_canary
from pipelines.definition.machines import has_own_disk
from pipelines.language.expressions import gets
from pipelines.language.graph import flatten
from pipelines.registry.local import check_group

GOLDEN = ROOT / "tests" / "golden"
RENEW = "BOOMERANG_RENEW_GOLDEN"
SITE = Site(
    bucket="boomerang-golden",
    prefix="team",
    roles=Roles(
        **{
            kind: f"arn:aws:iam::123456789012:role/range-{kind}"
            for kind in ("processing", "training", "evaluate", "signing", "canary")
        }
    ),
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/boomerang@sha256:" + "a" * 64,
    region="eu-west-1",
    package_group="range",
    kms_key="arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
)


SIGNED = replace(
    SITE,
    signing=Signing("arn:aws:kms:eu-west-1:123456789012:key/66666666-7777-8888-9999-000000000000", "MFkw"),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures-of-a-user")
    (folder / "one.png").write_bytes(b"one")
    return folder


def variants(pictures: Path) -> Iterator[Config]:
    """Every pair of two of: schedule, hardening, pictures."""
    retrained = [{"kind": "retrain"}]
    for schedule, repairs, shown in (
        ("finetune", retrained, pictures),
        ("finetune", [], None),
        ("retrain", retrained, None),
        ("retrain", [], pictures),
    ):
        sections = {"victim": {"schedule": schedule}, "harden": repairs}
        yield config(shown, attacks=[FLIP], **sections)


@pytest.fixture(scope="module")
def built(pictures: Path) -> Built:
    return build(config(pictures, attacks=[FLIP, PATCH]))


@pytest.fixture(scope="module")
def all_built(pictures: Path) -> list[tuple[Config, dict[str, Any]]]:
    return [(entry, build(entry).definition) for entry in variants(pictures)]


@pytest.fixture(scope="module")
def shared(pictures: Path) -> dict[str, Any]:
    """The definition in which three machines share the rows, and two train."""
    jobs = {"processing_count": 3, "training_count": 2}
    return build(config(pictures, attacks=[FLIP, PATCH], jobs=jobs)).definition


def test_truth_and_trigger_go_to_evaluate_alone(
    all_built: list[tuple[Config, dict[str, Any]]], shared: dict[str, Any]
) -> None:
    wanted = "Steps.Poison.ProcessingOutputConfig.Outputs['secret'].S3Output.S3Uri"

    def readers(definition: dict[str, Any]) -> list[str]:
        return [
            node.name for node in flatten(definition["Steps"]) if wanted in set(gets(dict(node.arguments)))
        ]

    assert {tuple(readers(definition)) for _, definition in all_built} == {("Evaluate",)}
    assert readers(shared) == ["EvaluateParts", "Evaluate"]


def test_no_step_but_evaluate_can_reach_the_folder_that_holds_the_truth(
    built: Built, shared: dict[str, Any]
) -> None:
    """An address that is a prefix of the truth's would hand it over without naming it."""
    for definition in (built.definition, shared):
        for entry in definition["Steps"]:
            for name, address in inputs(entry).items():
                if isinstance(address, str):
                    assert "/inputs/" in address, (entry["Name"], name)
                else:
                    assert set(address) == {"Get"}, (entry["Name"], name)


GIVEN = {
    "Preprocess": {"config", "pictures"},
    "TrainBaseline": {"train", "validation"},
    "Poison": {"config", "train", "photos"},
    "TrainVictim": {"train", "validation", "baseline"},
    "Screen": {"config", "train", "trusted", "model"},
    "Harden": {"train", "validation", "screen"},
    "Evaluate": {
        *("config", "heldout", "photos", "train", "secret", "screen"),
        *("baseline", "victim", "hardened"),
    },
}


def given(definition: dict[str, Any]) -> dict[str, set[str]]:
    return {entry["Name"]: set(inputs(entry)) for entry in definition["Steps"] if inputs(entry)}


def test_each_step_gets_what_the_contract_says(built: Built) -> None:
    assert given(built.definition) == GIVEN


def test_what_several_machines_made_is_merged_by_the_step_itself(shared: dict[str, Any]) -> None:
    parts = {name: inputs for name, inputs in given(shared).items() if name.endswith("Parts")}
    merged = ("Preprocess", "Screen", "Evaluate")
    assert parts == {f"{name}Parts": GIVEN[name] for name in merged}
    for name in merged:
        assert given(shared)[name] == GIVEN[name] | {"parts"}
        made = f"Steps.{name}Parts.ProcessingOutputConfig.Outputs['parts'].S3Output.S3Uri"
        assert inputs(step(shared, name))["parts"] == {"Get": made}
        assert machines(shared, name) == 1
        assert machines(shared, f"{name}Parts") == 3
    assert machines(shared, "Poison") == 1


def machines(definition: dict[str, Any], name: str) -> Any:
    arguments = step(definition, name)["Arguments"]
    return arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"]


def test_rows_of_the_past_are_the_baselines_and_go_to_who_learns_and_who_screens(built: Built) -> None:
    """GIVEN rows of the past THEN the baseline learns them and nothing else, and no attack gets them."""
    definition = build(config(attacks=[FLIP, PATCH], data=PAST)).definition
    past = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['history'].S3Output.S3Uri"}
    read = {entry["Name"]: inputs(entry) for entry in definition["Steps"]}
    assert read["TrainBaseline"]["train"] == past and set(read["TrainBaseline"]) == GIVEN["TrainBaseline"]
    assert past not in read["Poison"].values()
    for name in ("TrainVictim", "Harden", "Screen"):
        assert read[name]["history"] == past
        more = {"history", "reference"} if name == "Screen" else {"history"}
        assert set(read[name]) == GIVEN[name] | more
    model = {"Get": "Steps.TrainBaseline.ModelArtifacts.S3ModelArtifacts"}
    assert read["Screen"]["reference"] == model == read["Evaluate"]["baseline"]
    assert not [problem for check in check_definition(definition) for problem in check.problems]


def test_settings_of_a_training_are_hyperparameters_and_texts(built: Built) -> None:
    settings = step(built.definition, "TrainVictim")["Arguments"]["HyperParameters"]
    assert settings["start"] == "baseline"
    assert settings["seed"] == "0"
    assert {type(value) for value in settings.values()} == {str}


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


@pytest.mark.whole
def test_the_same_config_gives_the_same_text_in_another_process(
    pictures: Path, built: Built, tmp_path: Path
) -> None:
    entry = tmp_path / "config.json"
    entry.write_text(config(pictures, attacks=[FLIP, PATCH]).model_dump_json())
    code = (
        "import sys, json; from pipelines.campaign.sections import Config; "
        "from pipelines.definition.build import build;"
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


def test_a_user_chooses_among_machines_that_the_definition_fits(built: Built) -> None:
    declared = {entry["Name"]: entry for entry in built.definition["Parameters"]}
    for name, default in (("ProcessingInstance", "ml.m5.xlarge"), ("TrainingInstance", "ml.g4dn.xlarge")):
        assert declared[name]["DefaultValue"] == default
        assert default in declared[name]["EnumValues"]
        assert len({has_own_disk(each) for each in declared[name]["EnumValues"]}) == 1
    cluster = step(built.definition, "Screen")["Arguments"]["ProcessingResources"]["ClusterConfig"]
    assert cluster["InstanceType"] == {"Get": "Parameters.ProcessingInstance"}


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ({}, (True, 7200, None)),
        ({"spot_wait_s": 60}, (True, 3660, None)),
        ({"spot": False}, (False, None, None)),
        ({"spot": False, "warm_s": 600}, (False, None, 600)),
    ],
)
def test_training_is_on_spot_machines_or_on_warm_ones(
    jobs: dict[str, Any], expected: tuple[bool, int | None, int | None]
) -> None:
    arguments = step(build(config(jobs=jobs)).definition, "TrainBaseline")["Arguments"]
    assert arguments["StoppingCondition"]["MaxRuntimeInSeconds"] == 3600
    assert expected == (
        arguments["EnableManagedSpotTraining"],
        arguments["StoppingCondition"].get("MaxWaitTimeInSeconds"),
        arguments["ResourceConfig"].get("KeepAlivePeriodInSeconds"),
    )


def test_without_a_gate_the_same_steps_end_with_evaluate(pictures: Path, built: Built) -> None:
    other = build(config(pictures, attacks=[FLIP, PATCH]), gated=False)
    assert other.definition["Steps"] == [each for each in built.definition["Steps"] if each["Name"] != "Gate"]
    assert other.definition["Steps"][-1]["Name"] == "Evaluate"
    assert other.definition["Parameters"] == built.definition["Parameters"]
    assert other.staged == built.staged


def test_without_a_gate_no_candidate_is_signed(pictures: Path) -> None:
    other = build(config(pictures, attacks=[FLIP]), SIGNED, gated=False).definition
    assert [name for name in names(other) if name.startswith("Sign")] == [
        *("SignPreprocess", "SignPoison", "SignScreen")
    ]
    assert check_definition(other) == []


def test_the_gate_asks_for_every_limit(built: Built) -> None:
    conditions = step(built.definition, "Gate")["Arguments"]["Conditions"]
    *numbers, verdict = conditions
    asked = [(entry["LeftValue"]["Std:JsonGet"]["Path"], entry["RightValue"]["Get"]) for entry in numbers]
    assert asked == [(f"gate.{rule.key}", f"Parameters.{rule.parameter}") for rule in GATE]
    assert verdict["LeftValue"]["Std:JsonGet"]["Path"] == "gate.failed_checks" and verdict["RightValue"] == 0
    assert [rule.limit for rule in GATE] == list(GateConfig.model_fields)
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
    assert [entry["Name"] for entry in gate["IfSteps"]] == ["Register", "Lineage"]
    assert [entry["Name"] for entry in gate["ElseSteps"]] == ["RegisterRejected", "LineageRejected", "Fail"]
    assert step(built.definition, "Fail")["DependsOn"] == ["LineageRejected"]
    status = {name: step(built.definition, name)["Arguments"]["ModelApprovalStatus"] for name in _REGISTERS}
    assert status == {"Register": "PendingManualApproval", "RegisterRejected": "Rejected"}


_REGISTERS = ("Register", "RegisterRejected")


def test_a_rejected_package_says_why_and_an_approvable_one_does_not(built: Built) -> None:
    said = {name: step(built.definition, name)["Arguments"]["ModelPackageDescription"] for name in _REGISTERS}
    parts = {name: each["Std:Join"]["Values"] for name, each in said.items()}
    assert parts["Register"] == ["The gate passed the candidate."]
    assert parts["RegisterRejected"][1]["Std:JsonGet"]["Path"] == "reasons"


def test_the_worst_reasons_fit_a_description() -> None:
    """CreateModelPackage takes 1,024 characters, and JSON would escape a quote or a backslash."""
    worst: dict[str, float | None] = dict.fromkeys((rule.key for rule in GATE), 1e9)
    short = reasons_text(judge(worst, GateConfig()))
    assert short.count(";") == len(GATE) - 1
    reasons = reasons_text(judge(worst, GateConfig(), {rule.key: "x" * 300 for rule in GATE}))
    assert reasons.endswith(f"... ({len(GATE)} checks failed; the report has all)")
    assert len("The gate rejected the candidate: " + reasons) <= 1024
    assert json.dumps(reasons) == f'"{reasons}"'


def test_a_package_names_what_it_was_made_from_by_digest(built: Built) -> None:
    said = step(built.definition, "Register")["Arguments"]["CustomerMetadataProperties"]
    literal = {key: said[key] for key in ("ConfigDigest", "RecipeDigest")}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in literal.values())
    assert said["ImageDigest"] == LOCAL.image.partition("@")[2]
    read = {
        key: said[key]["Std:JsonGet"]["Path"]
        for key in said
        if key.endswith("Digest") and key not in literal and key != "ImageDigest"
    }
    assert read == {
        "ModelDigest": "models.hardened.digest",
        "DatasetDigest": "data.digests.train",
        "CanaryDigest": "canaries.digest",
        "ProbesDigest": "probes.digest",
    }
    assert len(said) <= 50


def test_the_drift_is_held_against_what_was_measured(built: Built) -> None:
    arguments = step(built.definition, "Register")["Arguments"]
    statistics = arguments["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert arguments["DriftCheckBaselines"] == {"ModelQuality": {"Statistics": statistics}}


def lineage(definition: dict[str, Any], name: str) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
    """The address of each artifact of a Lineage step by its name, and the associations, without the run."""
    arguments = step(definition, name)["Arguments"]

    def short(joined: dict[str, Any]) -> str:
        first, run = joined["Std:Join"]["Values"]
        assert run == {"Get": "Execution.PipelineExecutionId"}
        return str(first)

    artifacts = {short(each["ArtifactName"]): each["Source"]["SourceUri"] for each in arguments["Artifacts"]}
    associations = {
        (short(each["Source"]["Name"]), short(each["Destination"]["Name"]), each["AssociationType"])
        for each in arguments["Associations"]
    }
    return artifacts, associations


def test_the_lineage_is_what_the_steps_read_and_write(
    all_built: list[tuple[Config, dict[str, Any]]], shared: dict[str, Any]
) -> None:
    for definition in (*(definition for _, definition in all_built), shared):
        artifacts, associations = lineage(definition, "Lineage")
        named = {json.dumps(uri, sort_keys=True): name for name, uri in artifacts.items()}
        for entry in definition["Steps"]:
            for name, uri in inputs(entry).items():
                if name not in ("config", "secret"):
                    thing = named[json.dumps(uri, sort_keys=True)]
                    assert (thing, entry["Name"], "ContributedTo") in associations, (entry["Name"], name)
        makers = {a for a, _, kind in associations if kind == "Produced"}
        assert makers == {entry["Name"] for entry in definition["Steps"] if entry["Name"] != "Gate"} | {
            "Register"
        }


def test_the_lineage_of_a_rejected_package_is_the_same_but_for_the_package(built: Built) -> None:
    passed, rejected = (lineage(built.definition, name)[0] for name in ("Lineage", "LineageRejected"))
    assert passed.pop("package") == {"Get": "Steps.Register.ModelPackageArn"}
    assert rejected.pop("package") == {"Get": "Steps.RegisterRejected.ModelPackageArn"}
    assert passed == rejected


def test_the_secret_is_in_no_lineage(shared: dict[str, Any]) -> None:
    for name in ("Lineage", "LineageRejected"):
        assert "secret" not in json.dumps(step(shared, name))


def test_a_signed_thing_names_its_signature(pictures: Path) -> None:
    definition = build(config(pictures, attacks=[FLIP]), SIGNED).definition
    signed = {
        each["ArtifactName"]["Std:Join"]["Values"][0]
        for each in step(definition, "Lineage")["Arguments"]["Artifacts"]
        if "Signature" in each["Properties"]
    }
    assert signed == {
        *("Preprocess-train", "Preprocess-validation", "TrainBaseline-model", "Poison-train"),
        *("TrainVictim-model", "Screen-screen", "Harden-model"),
        *("Evaluate-evaluation", "Evaluate-canaries", "Evaluate-probes"),
    }


def test_the_candidate_is_the_victim_where_nothing_hardens(
    all_built: list[tuple[Config, dict[str, Any]]],
) -> None:
    for entry, definition in all_built:
        maker = "Harden" if entry.harden else "TrainVictim"
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
    made = build(config(pictures), SITE)
    text = json.dumps(made.definition)
    assert not any(name in text for name in (LOCAL.bucket, LOCAL.image, LOCAL.kms_key, "boomerang-local"))
    assert all(uri.startswith("s3://boomerang-golden/team/inputs/") for uri in made.staged)
    assert step(made.definition, "Register")["Arguments"]["ModelPackageGroupName"] == "range"


def test_on_this_machine_the_group_is_the_entrys_or_the_one_that_is_named() -> None:
    """Another kind of data is no next version; and a name may end in what a group's may not."""
    groups = [local_site(name).package_group for name in ("digits", "cifar10", "odd--")]
    assert groups == ["digits", "cifar10", "odd"]
    for group in (*groups, *bundled()):
        check_group(group)
    assert local_site("digits", "jets") == replace(LOCAL, package_group="jets")
    with pytest.raises(BadInput):
        check_group("Jets")


def test_the_vpc_of_a_site_is_every_jobs(pictures: Path) -> None:
    site = replace(SITE, subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",))
    for entry in build(config(pictures), site).definition["Steps"]:
        if entry["Type"] in ("Processing", "Training"):
            network = entry["Arguments"].get("NetworkConfig", entry["Arguments"])
            assert network["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}


PAST = {"train": 400, "history": 100}


def drawn(name: str) -> Any:
    """What a golden file holds: a definition, or, with rows of the past, what each job of one reads."""
    if name == "canary":
        return build_canary(SIGNED)
    if name == "definition":
        return build(load("default"), SIGNED).definition
    definition = build(config(attacks=[PATCH], data=PAST), SIGNED).definition
    return {entry["Name"]: inputs(entry) for entry in definition["Steps"] if inputs(entry)}


@pytest.mark.parametrize("name", ["definition", "canary", "history"])
def test_the_definition_is_the_one_that_was_looked_at(name: str) -> None:
    """The bundled entry's signed definition and the canary's, word for word: a change is seen.

    After a change that is meant: `BOOMERANG_RENEW_GOLDEN=1 python -m pytest
    tests/pipelines/definition/test_definition.py -k
    looked_at` writes the files anew and fails; look at the difference in git, then run it again without.
    """
    text, golden = json.dumps(drawn(name), indent=1) + "\n", GOLDEN / f"{name}.json"
    if os.environ.get(RENEW) == "1":
        golden.write_text(text)
        pytest.fail(f"{golden} is written anew; look at what changed, and run this without {RENEW}")
    assert text == golden.read_text(), f"if the change is meant, {RENEW}=1 writes {golden.name} anew"


def test_what_a_training_reads_is_signed_once_and_read_with_its_signature(pictures: Path) -> None:
    for entry in variants(pictures):
        definition = build(entry, SIGNED).definition
        signers = [step(definition, name) for name in names(definition) if name.startswith("Sign")]
        signed = [uri["Get"] for signer in signers for uri in inputs(signer).values()]
        assert len(signed) == len(set(signed))
        for each in (node for node in flatten(definition["Steps"]) if node.kind == "Training"):
            channels = inputs(each.step)
            data = {name for name in channels if not name.endswith("_signature")}
            assert {f"{name}_signature" for name in data} == channels.keys() - data
            for name in data:
                source, signature = channels[name]["Get"], channels[f"{name}_signature"]["Get"]
                signer = signature.split(".")[1]
                assert inputs(step(definition, signer))[name]["Get"] == source
            assert each.arguments["HyperParameters"]["public_key"] == "MFkw"


def test_a_signing_job_has_the_signing_role_and_runs_nothing_else(pictures: Path) -> None:
    definition = build(config(pictures), SIGNED).definition
    jobs = [node.arguments for node in flatten(definition["Steps"]) if node.name.startswith("Sign")]
    assert len(jobs) == 4
    for job in jobs:
        assert job["RoleArn"] == SIGNED.roles.signing
        assert job["AppSpecification"]["ContainerEntrypoint"] == ["python", "-m", "aws.jobs.sign"]
        assert job["Environment"]["SIGNING_KEY"] == SIGNED.signing.key if SIGNED.signing else None


def test_only_evaluate_has_the_role_that_reads_the_secret(pictures: Path) -> None:
    roles = SITE.roles
    expected = {"Evaluate": roles.evaluate, "Preprocess": roles.processing, "Poison": roles.processing}
    expected |= {"Screen": roles.processing, "TrainBaseline": roles.training, "Harden": roles.training}
    definition = build(config(pictures), SITE).definition
    for name, role in expected.items():
        assert step(definition, name)["Arguments"]["RoleArn"] == role, name


def test_an_edited_picture_changes_its_address(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"before")
    before = inputs(step(build(config(tmp_path)).definition, "Preprocess"))
    file.write_bytes(b"behind")
    after = inputs(step(build(config(tmp_path)).definition, "Preprocess"))
    assert before["pictures"] != after["pictures"]
    assert before["config"] == after["config"]


def test_a_kept_definition_is_the_one_that_would_be_built(pictures: Path, tmp_path: Path) -> None:
    entry = config(pictures, attacks=[FLIP])
    fresh = build(entry, cache=tmp_path)
    kept = list(tmp_path.glob("*.json"))
    assert len(kept) == 1
    assert build(entry, cache=tmp_path).definition == fresh.definition == build(entry).definition
    assert json.dumps(build(entry, cache=tmp_path).definition) == json.dumps(fresh.definition)
    build(config(pictures, attacks=[PATCH]), cache=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2
