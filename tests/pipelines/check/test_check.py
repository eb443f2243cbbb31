"""What `check` finds: nothing in the project's own definitions, and each of many planted mistakes."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import ParamValidator
from helpers.definitions import FLIP, PATCH, config, step
from helpers.entries import its_data
from helpers.ranges import ROOT

from boomerang.gate import GATE
from pipelines.campaign.entry import bundled, load
from pipelines.check import Problem, check_definition, checks
from pipelines.check.requests import OPERATIONS
from pipelines.check.service import request_shape
from pipelines.definition.build import build

JOBS = {
    "default": ["jobs.processing_count=3", "jobs.training_count=2"],
    "badnets-add": ["jobs.spot=false", "jobs.warm_s=600", "harden=[]"],
    "label-flip": ["jobs.processing_count=3", "jobs.spot=false"],
    "cifar10": ["jobs.training_count=2", "jobs.processing_instance=ml.g5.xlarge"],
    "fashion": ["jobs.spot=false"],
    "mnist-corner": ["jobs.training_instance=ml.m5.xlarge", "victim.schedule=retrain"],
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A definition with every kind of step, on several machines and on spot."""
    pictures = tmp_path_factory.mktemp("pictures")
    (pictures / "one.png").write_bytes(b"one")
    jobs = {"processing_count": 3, "training_count": 2}
    return build(config(pictures, attacks=[FLIP, PATCH], jobs=jobs)).definition


@pytest.fixture
def definition(sound: dict[str, Any]) -> dict[str, Any]:
    """The same, to be changed."""
    return copy.deepcopy(sound)


@pytest.mark.parametrize("name", sorted(bundled()))
def test_a_bundled_entry_has_no_mistake(name: str, tmp_path: Path) -> None:
    overrides = [*JOBS.get(name, []), *its_data(name, tmp_path)]
    assert check_definition(build(load(name, overrides)).definition) == []


def test_without_pictures_attacks_and_jobs_of_its_own_there_is_no_mistake() -> None:
    assert check_definition(build(config()).definition) == []


def test_each_check_says_what_it_looked_at(sound: dict[str, Any]) -> None:
    outcomes = checks(sound)
    assert [outcome.problems for outcome in outcomes] == [()] * len(outcomes)
    said = {outcome.said.partition(":")[0] for outcome in outcomes}
    assert said == {
        *(
            "language",
            "references",
            "conditions",
            "parameters",
            "gate",
            "failures",
            "requests",
            "limits",
            "rule",
        )
    }
    assert "16 steps" in outcomes[0].said


def arguments(definition: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = step(definition, name)["Arguments"]
    return found


def outputs(definition: dict[str, Any], name: str) -> list[Any]:
    made: list[Any] = arguments(definition, name)["ProcessingOutputConfig"]["Outputs"]
    return made


def source(definition: dict[str, Any], name: str, index: int) -> dict[str, Any]:
    s3: dict[str, Any] = arguments(definition, name)["ProcessingInputs"][index]["S3Input"]
    return s3


def left(definition: dict[str, Any]) -> dict[str, Any]:
    side: dict[str, Any] = arguments(definition, "Gate")["Conditions"][0]["LeftValue"]
    return side


def rename(mapping: dict[str, Any], before: str, after: str) -> None:
    mapping[after] = mapping.pop(before)


Definition = dict[str, Any]
METRIC = "ModelCard.ModelCardContent.evaluation_details[0].metric_groups[0].metric_data[0]"
# What is done to the definition; the step, the field and the words by which it is named.
PLANTED: dict[str, tuple[Callable[[Definition], Any], str, str, str]] = {
    # the language
    "misspelt key of the pipeline": (
        lambda d: rename(d, "Version", "Vresion"),
        *("pipeline", "Vresion", "did you mean 'Version'?"),
    ),
    "misspelt key of a step": (
        lambda d: rename(step(d, "Screen"), "CacheConfig", "CachConfig"),
        *("Screen", "CachConfig", "did you mean 'CacheConfig'?"),
    ),
    "key that a step of this type does not have": (
        lambda d: step(d, "TrainVictim").update(PropertyFiles=[]),
        *("TrainVictim", "PropertyFiles", "there is no such key"),
    ),
    "misspelt type of step": (
        lambda d: step(d, "Poison").update(Type="Procesing"),
        *("Poison", "Type", "did you mean 'Processing'?"),
    ),
    "misspelt type in a branch": (
        lambda d: step(d, "Fail").update(Type="Fial"),
        *("Fail", "Type", "did you mean 'Fail'?"),
    ),
    "no arguments": (
        lambda d: step(d, "Poison").pop("Arguments"),
        *("Poison", "Arguments", "is missing"),
    ),
    "two steps of one name": (
        lambda d: step(d, "Screen").update(Name="Poison"),
        *("Poison", "Name", "2 steps have this name"),
    ),
    "name with a space": (
        lambda d: step(d, "Fail").update(Name="Fail it"),
        *("Fail it", "Name", "does not match"),
    ),
    "name that is too long": (
        lambda d: step(d, "Fail").update(Name="F" * 65),
        *("F" * 65, "Name", "at most 64 are taken"),
    ),
    "cycle by DependsOn": (
        lambda d: step(d, "Poison").update(DependsOn=["Screen"]),
        *("Poison", "DependsOn", "Poison waits for Screen waits for"),
    ),
    "cycle by reference": (
        lambda d: source(d, "Preprocess", 0).update(S3Uri=output("Poison", "train")),
        *("Preprocess", "ProcessingInputs['config'].S3Input.S3Uri", "Preprocess waits for Poison"),
    ),
    "step that waits for itself": (
        lambda d: step(d, "Poison").update(DependsOn=["Poison"]),
        *("Poison", "DependsOn", "Poison waits for Poison"),
    ),
    # references
    "DependsOn without a step": (
        lambda d: step(d, "Fail").update(DependsOn=["RegisterRejcted"]),
        *("Fail", "DependsOn", "did you mean 'RegisterRejected'?"),
    ),
    "missing output": (
        lambda d: outputs(d, "Preprocess").pop(0),
        *("Poison", "ProcessingInputs['train'].S3Input.S3Uri", "Preprocess has no output 'train'"),
    ),
    "misspelt output": (
        lambda d: source(d, "Screen", 1).update(S3Uri=output("Poison", "trian")),
        *("Screen", "ProcessingInputs['train'].S3Input.S3Uri", "did you mean 'train'?"),
    ),
    "misspelt step": (
        lambda d: source(d, "Screen", 1).update(S3Uri=output("Posion", "train")),
        *("Screen", "ProcessingInputs['train'].S3Input.S3Uri", "did you mean 'Poison'?"),
    ),
    "misspelt property": (
        lambda d: source(d, "Screen", 3).update(
            S3Uri={"Get": "Steps.TrainVictim.ModelArtifact.S3ModelArtifacts"}
        ),
        *("Screen", "ProcessingInputs['model'].S3Input.S3Uri", "did you mean 'ModelArtifacts'?"),
    ),
    "property that holds several": (
        lambda d: source(d, "Screen", 3).update(S3Uri={"Get": "Steps.TrainVictim.ModelArtifacts"}),
        *("Screen", "ProcessingInputs['model'].S3Input.S3Uri", "is no single value"),
    ),
    "unknown parameter": (
        lambda d: limit(d).update(Values=[{"Get": "Parameters.MaxAccuracyDorp"}]),
        *("Evaluate", "AppSpecification.ContainerArguments[1]", "did you mean 'MaxAccuracyDrop'?"),
    ),
    "unknown execution variable": (
        lambda d: d["PipelineExperimentConfig"].update(TrialName={"Get": "Execution.PipelineExecutionID"}),
        *("pipeline", "PipelineExperimentConfig.TrialName", "did you mean 'PipelineExecutionId'?"),
    ),
    "unknown property file": (
        lambda d: left(d)["Std:JsonGet"].update(PropertyFile={"Get": "Steps.Evaluate.PropertyFiles.numbers"}),
        *(
            "Gate",
            "Conditions[0].LeftValue",
            "Evaluate has no property file 'numbers'; did you mean 'metrics'?",
        ),
    ),
    "property file of an output that is not there": (
        lambda d: step(d, "Evaluate")["PropertyFiles"][0].update(OutputName="evaluations"),
        *("Evaluate", "PropertyFiles['metrics'].OutputName", "did you mean 'evaluation'?"),
    ),
    "number that the metrics do not have": (
        lambda d: left(d)["Std:JsonGet"].update(Path="gate.accuracy_dorp"),
        *("Gate", "Conditions[0].LeftValue", "did you mean 'accuracy_drop'?"),
    ),
    "key that the metrics do not have": (
        lambda d: left(d)["Std:JsonGet"].update(Path="models.victim.verdict.pased"),
        *("Gate", "Conditions[0].LeftValue", "did you mean 'passed'?"),
    ),
    "number that may be null": (
        lambda d: left(d)["Std:JsonGet"].update(Path="models.victim.accuracy_drop"),
        *("Gate", "Conditions[0].LeftValue", "may be null"),
    ),
    "misspelt function": (
        lambda d: rename(arguments(d, "Fail")["ErrorMessage"], "Std:Join", "Std:Jion"),
        *("Fail", "ErrorMessage", "did you mean 'Std:Join'?"),
    ),
    # conditions
    "misspelt condition": (
        lambda d: arguments(d, "Gate")["Conditions"][0].update(Type="LessThenOrEqualTo"),
        *("Gate", "Conditions[0].Type", "did you mean 'LessThanOrEqualTo'?"),
    ),
    "condition without a side": (
        lambda d: arguments(d, "Gate")["Conditions"][0].pop("RightValue"),
        *("Gate", "Conditions[0].RightValue", "is missing"),
    ),
    "text compared with a number": (
        lambda d: left(d)["Std:JsonGet"].update(Path="reasons"),
        *("Gate", "Conditions[0].LeftValue", "reasons is a text; LessThanOrEqualTo compares numbers"),
    ),
    "limit as a text": (
        lambda d: arguments(d, "Gate")["Conditions"][1].update(RightValue="0.1"),
        *("Gate", "Conditions[1].RightValue", "'0.1' is a text"),
    ),
    # the gate
    "condition turned": (
        lambda d: arguments(d, "Gate")["Conditions"][2].update(Type="GreaterThanOrEqualTo"),
        *("Gate", "Conditions[2].Type", "GreaterThanOrEqualTo lets through"),
    ),
    "condition that only asks for less": (
        lambda d: arguments(d, "Gate")["Conditions"][0].update(Type="LessThan"),
        *("Gate", "Conditions[0].Type", "LessThanOrEqualTo is needed"),
    ),
    "condition left out": (
        lambda d: arguments(d, "Gate")["Conditions"].pop(3),
        *("Gate", "Conditions", "nothing asks that gate.asr_upper is at most Parameters.MaxAsrUpper"),
    ),
    "verdict left out": (
        lambda d: arguments(d, "Gate")["Conditions"].pop(),
        *("Gate", "Conditions", "nothing asks that gate.failed_checks is at most 0"),
    ),
    "verdict that may have failed": (
        lambda d: arguments(d, "Gate")["Conditions"][-1].update(RightValue=1),
        *(
            "Gate",
            f"Conditions[{len(GATE)}].RightValue",
            "1 is not the limit of gate.failed_checks, which is 0",
        ),
    ),
    "conditions of which one is enough": (
        lambda d: arguments(d, "Gate").update(
            Conditions=[{"Type": "Or", "Conditions": arguments(d, "Gate")["Conditions"]}]
        ),
        *("Gate", "Conditions[0].Type", "Or lets through"),
    ),
    "condition that is negated": (
        lambda d: arguments(d, "Gate")["Conditions"].insert(
            0, {"Type": "Not", "Condition": arguments(d, "Gate")["Conditions"].pop(0)}
        ),
        *("Gate", "Conditions[0].Type", "Not lets through"),
    ),
    "sides that are swapped": (
        lambda d: arguments(d, "Gate")["Conditions"][0].update(
            LeftValue=arguments(d, "Gate")["Conditions"][0]["RightValue"], RightValue=left(d)
        ),
        *("Gate", "Conditions[0].LeftValue", "Parameters.MaxAccuracyDrop is none of the gate's numbers"),
    ),
    "one number asked for twice": (
        lambda d: arguments(d, "Gate")["Conditions"].__setitem__(0, arguments(d, "Gate")["Conditions"][1]),
        *("Gate", "Conditions", "nothing asks that gate.accuracy_drop"),
    ),
    "limit of another number": (
        lambda d: arguments(d, "Gate")["Conditions"][0].update(RightValue={"Get": "Parameters.MaxTurned"}),
        *("Gate", "Conditions[0].RightValue", "Parameters.MaxTurned is not the limit of gate.accuracy_drop"),
    ),
    "limit that stands in the definition": (
        lambda d: arguments(d, "Gate")["Conditions"][0].update(RightValue=1.0),
        *("Gate", "Conditions[0].RightValue", "1.0 is not the limit"),
    ),
    "default so wide that not measured passes": (
        lambda d: next(p for p in d["Parameters"] if p["Name"] == "MaxCanaryFailures").update(
            DefaultValue=1_000_000_000
        ),
        *("pipeline", "Parameters.MaxCanaryFailures", "1000000000 is no limit"),
    ),
    "registered as approved": (
        lambda d: arguments(d, "Register").update(ModelApprovalStatus="Approved"),
        *("Register", "ModelApprovalStatus", "has to be PendingManualApproval, a person approves"),
    ),
    "rejected one registered as pending": (
        lambda d: arguments(d, "RegisterRejected").update(ModelApprovalStatus="PendingManualApproval"),
        *("RegisterRejected", "ModelApprovalStatus", "has to be Rejected"),
    ),
    "branches that are swapped": (
        lambda d: step(d, "Gate")["Arguments"].update(
            IfSteps=step(d, "Gate")["Arguments"]["ElseSteps"],
            ElseSteps=step(d, "Gate")["Arguments"]["IfSteps"],
        ),
        *("Register", "ModelApprovalStatus", "where Gate rejects: it has to be Rejected"),
    ),
    "registered before the gate": (
        lambda d: d["Steps"].append(step(d, "Gate")["Arguments"]["IfSteps"].pop(0)),
        *("Register", "", "registers a model that no condition was asked about"),
    ),
    "failure text that is a number": (
        lambda d: arguments(d, "Fail").update(ErrorMessage=42),
        *("Fail", "ErrorMessage", "42 is a number; the service takes a text"),
    ),
    "failure text that becomes a number": (
        lambda d: arguments(d, "Fail").update(ErrorMessage={"Get": "Parameters.MaxTurned"}),
        *("Fail", "ErrorMessage", "Parameters.MaxTurned is a number; the service takes a text"),
    ),
    # parameters
    "two parameters of one name": (
        lambda d: d["Parameters"][0].update(Name="MaxTurned"),
        *("pipeline", "Parameters.MaxTurned", "2 parameters have this name"),
    ),
    "unknown type of parameter": (
        lambda d: d["Parameters"][0].update(Type="Double"),
        *("pipeline", "Parameters[0].Type", "'Float'"),
    ),
    "default of another type": (
        lambda d: d["Parameters"][0].update(DefaultValue="0.02"),
        *("pipeline", "Parameters.MaxAccuracyDrop", "'0.02' is a text, the parameter is a number"),
    ),
    "default that is not allowed": (
        lambda d: d["Parameters"][-1]["EnumValues"].remove("ml.g4dn.xlarge"),
        *("pipeline", "Parameters.TrainingInstance.DefaultValue", "is none of EnumValues"),
    ),
    # requests
    "misspelt argument": (
        lambda d: rename(arguments(d, "TrainVictim"), "ResourceConfig", "ResourceConfg"),
        *("TrainVictim", "ResourceConfg", "did you mean 'ResourceConfig'?"),
    ),
    "missing argument": (
        lambda d: arguments(d, "Screen").pop("RoleArn"),
        *("Screen", "RoleArn", "is missing"),
    ),
    "bare number as hyperparameter": (
        lambda d: arguments(d, "TrainVictim")["HyperParameters"].update(seed=0),
        *("TrainVictim", "HyperParameters.seed", "0 is a number; the service takes texts"),
    ),
    "number in the environment": (
        lambda d: arguments(d, "Screen").update(Environment={"SEED": 1}),
        *("Screen", "Environment.SEED", "1 is a number; the service takes texts"),
    ),
    "numeric parameter as argument": (
        lambda d: arguments(d, "Evaluate")["AppSpecification"]["ContainerArguments"].__setitem__(
            1, {"Get": "Parameters.MaxAccuracyDrop"}
        ),
        *(
            "Evaluate",
            "AppSpecification.ContainerArguments[1]",
            "Parameters.MaxAccuracyDrop: 0.02 is a number",
        ),
    ),
    "text as volume": (
        lambda d: arguments(d, "TrainVictim")["ResourceConfig"].update(VolumeSizeInGB="30"),
        *("TrainVictim", "ResourceConfig.VolumeSizeInGB", "'30' is a text; the service takes numbers"),
    ),
    "no machine at all": (
        lambda d: arguments(d, "Screen")["ProcessingResources"]["ClusterConfig"].update(InstanceCount=0),
        *("Screen", "ProcessingResources.ClusterConfig.InstanceCount", "0, at least 1 are needed"),
    ),
    "machine that there is not": (
        lambda d: arguments(d, "TrainVictim")["ResourceConfig"].update(InstanceType="ml.m5.huge"),
        *("TrainVictim", "ResourceConfig.InstanceType", "'ml.m5.huge' is none of the"),
    ),
    "machine that a user could choose and there is not": (
        lambda d: d["Parameters"][-2]["EnumValues"].append("ml.m5.huge"),
        *(
            "Screen",
            "ProcessingResources.ClusterConfig.InstanceType",
            "Parameters.ProcessingInstance: 'ml.m5.huge' is none of",
        ),
    ),
    "role of no account": (
        lambda d: arguments(d, "Screen").update(RoleArn="arn:aws:iam::12:role/x"),
        *("Screen", "RoleArn", "does not match arn:aws"),
    ),
    "too many inputs": (
        lambda d: arguments(d, "Screen")["ProcessingInputs"].extend([{"InputName": "x"}] * 10),
        *("Screen", "ProcessingInputs", "at most 10 are taken"),
    ),
    "long metadata": (
        lambda d: arguments(d, "Register")["CustomerMetadataProperties"].update(Campaign="a" * 257),
        *("Register", "CustomerMetadataProperties.Campaign", "257 characters, at most 256 are taken"),
    ),
    "metadata with a brace": (
        lambda d: arguments(d, "Register")["CustomerMetadataProperties"].update(Campaign="{}"),
        *("Register", "CustomerMetadataProperties.Campaign", "'{}' does not match"),
    ),
    "unknown status": (
        lambda d: arguments(d, "Register").update(ModelApprovalStatus="Pending"),
        *("Register", "ModelApprovalStatus", "did you mean 'PendingManualApproval'?"),
    ),
    # limits
    "two channels of one name": (
        lambda d: arguments(d, "Harden")["InputDataConfig"][1].update(ChannelName="train"),
        *("Harden", "InputDataConfig['train']", "2 entries have this name"),
    ),
    "input that lies nowhere": (
        lambda d: source(d, "Screen", 0).pop("LocalPath"),
        *("Screen", "ProcessingInputs['config'].S3Input.LocalPath", "is missing"),
    ),
    "input outside of its folder": (
        lambda d: source(d, "Screen", 0).update(LocalPath="/tmp/config"),
        *(
            "Screen",
            "ProcessingInputs['config'].S3Input.LocalPath",
            "does not begin with /opt/ml/processing/",
        ),
    ),
    "too short a wait": (
        lambda d: arguments(d, "Harden")["StoppingCondition"].update(MaxWaitTimeInSeconds=60),
        *("Harden", "StoppingCondition.MaxWaitTimeInSeconds", "60 is less than MaxRuntimeInSeconds, 3600"),
    ),
    "definition of more than a mebibyte": (
        lambda d: d["Metadata"].update(Note="x" * (1 << 20)),
        *("pipeline", "", "at most 1048576 are taken"),
    ),
    # this project's rules
    "retry of the algorithm's own error": (
        lambda d: step(d, "Screen")["RetryPolicies"][1]["ExceptionType"].append("SageMaker.ALGORITHM_ERROR"),
        *("Screen", "RetryPolicies[1].ExceptionType", "is no fault of the service"),
    ),
    "retry without an end": (
        lambda d: step(d, "Screen")["RetryPolicies"][0].pop("MaxAttempts"),
        *("Screen", "RetryPolicies[0].MaxAttempts", "is missing"),
    ),
    "too many attempts": (
        lambda d: step(d, "Screen")["RetryPolicies"][0].update(MaxAttempts=21),
        *("Screen", "RetryPolicies[0].MaxAttempts", "less than or equal to 20"),
    ),
    "no reuse": (
        lambda d: step(d, "Harden").pop("CacheConfig"),
        *("Harden", "CacheConfig.Enabled", "is not true"),
    ),
    "expiry that is no duration": (
        lambda d: step(d, "Harden")["CacheConfig"].update(ExpireAfter="30 days"),
        *("Harden", "CacheConfig.ExpireAfter", "'30 days' is no ISO 8601 duration"),
    ),
    "outputs without a key": (
        lambda d: arguments(d, "Harden")["OutputDataConfig"].pop("KmsKeyId"),
        *("Harden", "OutputDataConfig.KmsKeyId", "is missing"),
    ),
    "disk without a key": (
        lambda d: arguments(d, "Screen")["ProcessingResources"]["ClusterConfig"].pop("VolumeKmsKeyId"),
        *("Screen", "ProcessingResources.ClusterConfig.VolumeKmsKeyId", "is missing for ml.m5.xlarge"),
    ),
    "key for a disk that takes none": (
        lambda d: arguments(d, "Harden")["ResourceConfig"].update(VolumeKmsKeyId="key"),
        *("Harden", "ResourceConfig.VolumeKmsKeyId", "ml.g4dn.xlarge takes none"),
    ),
    "network for a processing job": (
        lambda d: arguments(d, "Screen").pop("NetworkConfig"),
        *("Screen", "NetworkConfig.EnableNetworkIsolation", "is not true"),
    ),
    "network for a training job": (
        lambda d: arguments(d, "Harden").update(EnableNetworkIsolation=False),
        *("Harden", "EnableNetworkIsolation", "is not true"),
    ),
    "machines that talk in the clear": (
        lambda d: arguments(d, "Harden").update(EnableInterContainerTrafficEncryption=False),
        *("Harden", "EnableInterContainerTrafficEncryption", "several machines"),
    ),
    "no time limit": (
        lambda d: arguments(d, "Screen").pop("StoppingCondition"),
        *("Screen", "StoppingCondition.MaxRuntimeInSeconds", "is missing"),
    ),
    "image by tag": (
        lambda d: arguments(d, "Screen")["AppSpecification"].update(ImageUri="boomerang:latest"),
        *("Screen", "AppSpecification.ImageUri", "'boomerang:latest' names no digest"),
    ),
    "registered image by tag": (
        lambda d: arguments(d, "Register")["InferenceSpecification"]["Containers"][0].update(Image="x:1"),
        *("Register", "InferenceSpecification.Containers[0].Image", "'x:1' names no digest"),
    ),
    "spot without checkpoints": (
        lambda d: arguments(d, "Harden").pop("CheckpointConfig"),
        *("Harden", "CheckpointConfig.S3Uri", "is missing"),
    ),
    "spot without a waiting time": (
        lambda d: arguments(d, "Harden")["StoppingCondition"].pop("MaxWaitTimeInSeconds"),
        *("Harden", "StoppingCondition.MaxWaitTimeInSeconds", "is missing on a spot machine"),
    ),
    "warm spot machine": (
        lambda d: arguments(d, "Harden")["ResourceConfig"].update(KeepAlivePeriodInSeconds=600),
        *("Harden", "ResourceConfig.KeepAlivePeriodInSeconds", "no spot machine is kept warm"),
    ),
    "checkpoints of one run alone": (
        lambda d: arguments(d, "Harden")["CheckpointConfig"].update(S3Uri=runs("Harden")),
        *("Harden", "CheckpointConfig.S3Uri", "Execution.PipelineExecutionId is another in every run"),
    ),
    "a time as hyperparameter": (
        lambda d: arguments(d, "Harden")["HyperParameters"].update(started="2026-11-29T10:00:00Z"),
        *("Harden", "HyperParameters.started", "'2026-11-29T10:00:00Z' is a time"),
    ),
    "seconds since 1970 as hyperparameter": (
        lambda d: arguments(d, "TrainVictim")["HyperParameters"].update(stamp="1764410400"),
        *("TrainVictim", "HyperParameters.stamp", "is a time"),
    ),
    "a time in the environment": (
        lambda d: arguments(d, "Screen")["Environment"].update(AT="2026-11-29 10:00"),
        *("Screen", "Environment.AT", "is a time"),
    ),
    "a time as argument": (
        lambda d: arguments(d, "Screen")["AppSpecification"].update(
            ContainerArguments=["--at", "1764410400.5"]
        ),
        *("Screen", "AppSpecification.ContainerArguments[1]", "is a time"),
    ),
    "settings whose digest the job is not told": (
        lambda d: arguments(d, "Screen").pop("Environment"),
        *(
            "Screen",
            "Environment.BOOMERANG_INPUT_CONFIG",
            "is not the digest that ProcessingInputs['config']",
        ),
    ),
    "pictures under another digest than the job is told": (
        lambda d: arguments(d, "Preprocess")["Environment"].update(BOOMERANG_INPUT_PICTURES="0" * 64),
        *("Preprocess", "Environment.BOOMERANG_INPUT_PICTURES", "is not the digest"),
    ),
    "an input of which nobody knows what it is": (
        lambda d: source(d, "Poison", 0).update(S3Uri="s3://boomerang/latest"),
        *("Poison", "ProcessingInputs['config'].S3Input.S3Uri", "names no digest of what lies there"),
    ),
    "the truth for the screen": (
        lambda d: source(d, "Screen", 1).update(S3Uri=output("Poison", "secret")),
        *("Screen", "ProcessingInputs['train'].S3Input.S3Uri", "is for Evaluate alone"),
    ),
    "the folder of the truth for a training": (
        lambda d: arguments(d, "Harden")["InputDataConfig"][0]["DataSource"]["S3DataSource"].update(
            S3Uri=runs("Poison")
        ),
        *("Harden", "InputDataConfig['train'].DataSource.S3DataSource.S3Uri", "is put together"),
    ),
    "a folder above all runs for the screen": (
        lambda d: source(d, "Screen", 0).update(S3Uri="s3://boomerang-local/boomerang/trial/"),
        *("Screen", "ProcessingInputs['config'].S3Input.S3Uri", "is a folder above what steps write"),
    ),
    # lineage and cards
    "artifact without a type": (
        lambda d: arguments(d, "Lineage")["Artifacts"][0].pop("ArtifactType"),
        *("Lineage", "Artifacts[0].ArtifactType", "is missing"),
    ),
    "misspelt key of an action": (
        lambda d: rename(arguments(d, "Lineage")["Actions"][1], "Status", "State"),
        *("Lineage", "Actions[1].State", "CreateActionRequest has no such argument"),
    ),
    "status that there is not": (
        lambda d: arguments(d, "Lineage")["Actions"][0].update(Status="Done"),
        *("Lineage", "Actions[0].Status", "'Done' is none of the 6 values"),
    ),
    "number among an artifact's properties": (
        lambda d: arguments(d, "Lineage")["Artifacts"][0]["Properties"].update(Rows=3),
        *("Lineage", "Artifacts[0].Properties.Rows", "3 is a number; the service takes texts"),
    ),
    "name with a slash": (
        lambda d: arguments(d, "Lineage")["Artifacts"][0]["ArtifactName"]["Std:Join"].update(On="/"),
        *("Lineage", "Artifacts[0].ArtifactName", "does not match"),
    ),
    "name that is the same in every run": (
        lambda d: arguments(d, "Lineage")["Artifacts"][0].update(ArtifactName="settings"),
        *("Lineage", "Artifacts[0].ArtifactName", "is the same in every run"),
    ),
    "two artifacts of one name": (
        lambda d: arguments(d, "Lineage")["Artifacts"].append(arguments(d, "Lineage")["Artifacts"][0]),
        *("Lineage", "Artifacts[0].ArtifactName", "2 entities are called 'settings-...'"),
    ),
    "association of an artifact that is not made": (
        lambda d: arguments(d, "LineageRejected")["Artifacts"].pop(0),
        *("LineageRejected", "Associations[0].Source.Name", "the step makes no Artifact 'settings-...'"),
    ),
    "association of another type of entity": (
        lambda d: arguments(d, "Lineage")["Associations"][0]["Source"].update(Type="Artefact"),
        *("Lineage", "Associations[0].Source.Type", "'Artefact' is none of Action, Artifact, Context"),
    ),
    "association without an end": (
        lambda d: arguments(d, "Lineage")["Associations"][0].pop("Source"),
        *("Lineage", "Associations[0].Source", "is missing"),
    ),
    "end that is nothing": (
        lambda d: arguments(d, "Lineage")["Associations"][0].update(Source={"Name": "x"}),
        *("Lineage", "Associations[0].Source", "needs an Arn, or a Name and a Type"),
    ),
    "ARN of something else": (
        lambda d: arguments(d, "Lineage")["Associations"][0].update(Source={"Arn": "arn:aws:s3:::bucket"}),
        *("Lineage", "Associations[0].Source.Arn", "does not match arn:aws"),
    ),
    "association of a type that there is not": (
        lambda d: arguments(d, "Lineage")["Associations"][0].update(AssociationType="MadeFrom"),
        *("Lineage", "Associations[0].AssociationType", "'MadeFrom' is none of the 5 values"),
    ),
    "lineage that is tried again": (
        lambda d: step(d, "Lineage").update(RetryPolicies=[]),
        *("Lineage", "RetryPolicies", "there is no such key"),
    ),
    "the truth in a lineage": (
        lambda d: arguments(d, "Lineage")["Artifacts"][0]["Source"].update(
            SourceUri=output("Poison", "secret")
        ),
        *("Lineage", "Artifacts[0].Source.SourceUri", "is for Evaluate alone"),
    ),
    "baseline that lies nowhere": (
        lambda d: arguments(d, "Register")["DriftCheckBaselines"]["ModelQuality"]["Statistics"].pop("S3Uri"),
        *("Register", "DriftCheckBaselines.ModelQuality.Statistics.S3Uri", "is missing"),
    ),
    "card of a status that there is not": (
        lambda d: arguments(d, "Register")["ModelCard"].update(ModelCardStatus="Reviewed"),
        *("Register", "ModelCard.ModelCardStatus", "'Reviewed' is none of the 4 values"),
    ),
    "card that is no JSON": (
        lambda d: pieces(d).pop(),
        *("Register", "ModelCard.ModelCardContent", "is no JSON"),
    ),
    "card with a key that the schema does not have": (
        lambda d: pieces(d).__setitem__(0, pieces(d)[0].replace("model_creator", "model_owner")),
        *("Register", "ModelCard.ModelCardContent.model_overview.model_owner", "not permitted"),
    ),
    "card with a text for a number": (
        lambda d: pieces(d).__setitem__(pieces(d).index(gate_number(d)), '"0.02"'),
        *("Register", METRIC, "a number is said to be there, and a text is"),
    ),
    "card with a reference to nothing": (
        lambda d: gate_number(d)["Std:JsonGet"].update(Path="gate.accuracy_dorp"),
        *("Register", "ModelCard.ModelCardContent", "did you mean 'accuracy_drop'?"),
    ),
}


def pieces(definition: Definition) -> list[Any]:
    """The parts that the card of the package is joined from."""
    parts: list[Any] = arguments(definition, "Register")["ModelCard"]["ModelCardContent"]["Std:Join"][
        "Values"
    ]
    return parts


def gate_number(definition: Definition) -> dict[str, Any]:
    found: dict[str, Any] = next(part for part in pieces(definition) if "gate.accuracy" in str(part))
    return found


def output(name: str, made: str) -> dict[str, str]:
    return {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['{made}'].S3Output.S3Uri"}


def runs(*below: str) -> dict[str, Any]:
    parts = ["s3://boomerang-local/boomerang/trial/runs", {"Get": "Execution.PipelineExecutionId"}, *below]
    return {"Std:Join": {"On": "/", "Values": parts}}


def limit(definition: Definition) -> dict[str, Any]:
    joined: dict[str, Any] = arguments(definition, "Evaluate")["AppSpecification"]["ContainerArguments"][1]
    return joined["Std:Join"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_named_with_its_step_and_field(mistake: str, definition: Definition) -> None:
    plant, where, field, said = PLANTED[mistake]
    plant(definition)
    problems = check_definition(definition)
    assert any(p.where == where and p.field == field and said in p.what for p in problems), problems


def test_several_mistakes_are_named_at_once(definition: Definition) -> None:
    planted = [PLANTED[name] for name in ("missing argument", "image by tag", "misspelt key of a step")]
    for plant, *_ in planted:
        plant(definition)
    found = {(problem.where, problem.field) for problem in check_definition(definition)}
    assert {(where, field) for _, where, field, _ in planted} <= found


@pytest.mark.parametrize(
    "image",
    ["sha256:" + "a" * 64, "registry:5000/boomerang@sha256:" + "0" * 64, "boomerang:cpu@sha256:" + "f" * 64],
)
def test_an_image_is_pinned_by_a_digest_or_an_id(image: str, definition: Definition) -> None:
    arguments(definition, "Screen")["AppSpecification"]["ImageUri"] = image
    assert check_definition(definition) == []


def test_what_botocore_refuses_is_refused_here(definition: Definition) -> None:
    """Nothing that botocore's own validator says of names, types and least sizes may be lost."""
    shape = request_shape(OPERATIONS["Training"][0])
    sound = {**arguments(definition, "TrainBaseline"), **OPERATIONS["Training"][1]}
    resolved: dict[str, Any] = json.loads(
        json.dumps(sound), object_hook=lambda o: "s3://a/b" if "Get" in o else o
    )
    resolved["OutputDataConfig"]["S3OutputPath"] = "s3://a/b"
    resolved["ResourceConfig"]["InstanceType"] = "ml.m5.xlarge"
    assert not ParamValidator().validate(resolved, shape).has_errors()
    wrong: dict[str, Any] = {"str": 1, "int": "1", "bool": "true", "list": "x", "dict": []}
    for path, value in places(resolved):
        changed = copy.deepcopy(sound)
        put(changed, path, wrong[type(value).__name__])
        assert ParamValidator().validate(changed, shape).has_errors(), path
        step(definition, "TrainBaseline")["Arguments"] = {
            key: inner for key, inner in changed.items() if key != "TrainingJobName"
        }
        if path != ("TrainingJobName",):
            assert any(problem.where == "TrainBaseline" for problem in check_definition(definition)), path


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if path:
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


JUNK: tuple[Any, ...] = (
    *(None, -1, 1.5, True, "", "x", [], {}, [None], {"x": 1}),
    *({"Get": ""}, {"Get": 1}, {"Get": "Steps.Evaluate"}, {"Std:Join": 1}, {"Std:JsonGet": {"Path": ""}}),
)


def test_whatever_stands_anywhere_is_answered(sound: Definition) -> None:
    """A definition of anybody's is checked to the end, however broken; nothing raises."""
    chance = random.Random(7)
    everywhere = [path for path, _ in places(sound)]
    for _ in range(60):
        broken = copy.deepcopy(sound)
        put(broken, chance.choice(everywhere), copy.deepcopy(chance.choice(JUNK)))
        assert all(isinstance(problem, Problem) for problem in check_definition(broken))
    for whole in JUNK:
        assert check_definition(whole)


def check(*options: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    command = [sys.executable, "-m", "pipelines", "check", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.whole
def test_the_command_says_what_was_checked(tmp_path: Path) -> None:
    done = check("--set", "pictures=[]", "--set", "attacks=[]")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok  ") for line in lines)
    assert any(line.startswith("ok  requests: 15 steps, ") for line in lines)


def test_the_command_names_every_mistake_in_a_file(definition: Definition, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    for name in ("bare number as hyperparameter", "missing output"):
        PLANTED[name][0](definition)
    file.write_text(json.dumps(definition))
    done = check("--definition", file)
    assert done.returncode == 2
    assert f"error: the definition of {file}: " in done.stderr
    assert "  TrainVictim: HyperParameters.seed: 0 is a number; the service takes texts\n" in done.stderr
    assert (
        "  Poison: ProcessingInputs['train'].S3Input.S3Uri: Preprocess has no output 'train'" in done.stderr
    )
    assert "ok  conditions" in done.stdout
    assert "ok  requests" not in done.stdout


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("{", [], "it is not JSON"),
        ("[]", [], "is a list, no object"),
        ('{"Version": "2020-12-01", "Steps": []}', [], "Steps"),
        ("{}", ["--set", "seed=1"], "leave out --config, --set and --parameter"),
    ],
)
def test_a_file_that_is_no_definition_is_one_message(
    content: str, options: list[str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    done = check("--definition", file, *options)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
