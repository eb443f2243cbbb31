"""What a job sees and has to leave, read from the arguments of its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers import toy_pipeline as toy

from boomerang.errors import ConfigError
from pipelines.language.expressions import Scope, resolve
from pipelines.language.job_plan import Plan, Target, command_of, module_of, plan, properties

SCOPE = Scope({}, {"PipelineExecutionId": "run"}, {"Make": {"ProcessingOutputConfig": {"Outputs": {}}}})


def planned(step: dict[str, Any]) -> Plan:
    arguments = resolve(step["Arguments"], SCOPE)
    return plan(step["Name"], step["Type"], arguments, f"run-{step['Name']}")


def test_a_processing_job_has_its_inputs_and_outputs_below_its_root() -> None:
    job = planned(toy.make(arguments=["--word", "x"], hosts=2, timeout_s=7))
    assert job.command == ("python", "-m", "processing.make", "--word", "x")
    assert (job.module, job.hosts, job.timeout_s, job.training) == ("processing.make", 2, 7, False)
    assert [(s.name, s.uri, s.local) for s in job.sources] == [
        ("config", toy.CONFIG, "processing/input/config")
    ]
    assert job.targets == (Target("train", "s3://bucket/runs/run/Make/train", "processing/output/train"),)
    made = properties(job)["ProcessingOutputConfig"]["Outputs"]["train"]["S3Output"]["S3Uri"]
    assert made == "s3://bucket/runs/run/Make/train"


def test_a_training_job_packs_its_model_below_its_own_name() -> None:
    job = planned(toy.training("Train", {"train": "s3://bucket/data"}, epochs="3"))
    assert (job.module, job.hyperparameters, job.checkpoints) == ("training.train", {"epochs": "3"}, True)
    assert [(target.name, target.packed, target.optional) for target in job.targets] == [
        ("model", True, False),
        ("data", True, True),
    ]
    model = "s3://bucket/runs/run/Train/model/run-Train/output/model.tar.gz"
    assert job.target("model").uri == model
    assert properties(job)["ModelArtifacts"] == {"S3ModelArtifacts": model}
    with pytest.raises(ConfigError, match="no output 'other'"):
        job.target("other")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a["ProcessingInputs"][0]["S3Input"].update(LocalPath="/etc"), "lies below /opt/ml"),
        (lambda a: a["ProcessingInputs"][0]["S3Input"].update(LocalPath="/opt/ml/../x"), "below /opt/ml"),
        (lambda a: a["ProcessingInputs"][0].pop("InputName"), "its arguments lack 'InputName'"),
        (lambda a: a["Environment"].update(N=3), "3 is no text"),
        (lambda a: a["AppSpecification"].update(ContainerEntrypoint=[]), "it has no command"),
    ],
)
def test_what_a_job_cannot_be_made_from_is_refused(spoil: Callable[[dict[str, Any]], Any], why: str) -> None:
    step = toy.make()
    spoil(step["Arguments"])
    with pytest.raises(ConfigError, match=why):
        planned(step)


def test_the_module_is_what_python_runs() -> None:
    assert module_of(["python3", "-m", "a.b", "--x"]) == "a.b"
    assert module_of(["python", "a.py"]) is None and module_of(["sh", "-m", "a"]) is None
    assert module_of(command_of("Training", toy.train()["Arguments"])) == "training.train"
