"""A small signed workspace: two runs of a pipeline whose jobs are a few lines, one approved and one rejected.

Its steps are named, and what they leave looks, as the project's own; what was measured is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.config import validate
from boomerang.gate import GATE, GateConfig
from boomerang.manifest import commit, read_manifest
from boomerang.signing import PublicKey, new_key
from helpers import toy_pipeline as toy
from helpers.drawn_evaluation import DrawnEvaluation
from helpers.ranges import ROOT
from helpers.scenes import Scene
from helpers.signing_cases import make_dataset
from pipelines.campaign.sections import Config
from pipelines.definition.kept import keep
from pipelines.registry.approval import approve
from pipelines.registry.local import Registry
from pipelines.report import write_report
from pipelines.runners.process.runner import execute
from pipelines.runs.records import Execution

GROUP, PASSED, REJECTED = "trial", "first", "second"

_COPY = """
import shutil
shutil.copytree(ml / "processing/input/given", ml / "processing/output/{0}", dirs_exist_ok=True)
"""
_TRAIN = """
digest = json.loads((ml / "input/data/train/manifest.json").read_text())["digest"]
card = {"parents": {"train": digest}, "weights_sha256": "ea" * 32}
(ml / "model/model.json").write_text(json.dumps(card))
(ml / "model/model.keras").write_bytes((ml / "input/data/train/x.npy").read_bytes())
print("trained on", digest, flush=True)
"""


@dataclass(frozen=True)
class SignedWorkspace:
    """Where it lies, and the keys: `pending` is the workspace before a person has approved anything."""

    pending: Path
    approved: Path
    key: Path
    public: PublicKey
    public_file: Path


def build_signed_workspace(folder: Path) -> None:
    """Run both entries into `folder/runs`, and make the keys."""
    new_key(folder / "key.pem").write(folder / "key.pub.pem")
    project = toy.project(folder / "project")
    for name, body in {
        "processing/preprocess.py": _COPY.format("train"),
        "processing/evaluate.py": _COPY.format("evaluation"),
        "training/train.py": _TRAIN,
    }.items():
        (project / name).write_text(toy.HEAD + body)
    for package in ("boomerang", "aws"):
        (project / package).symlink_to(ROOT / package)
    for seed, (run, asr) in enumerate({PASSED: 0.02, REJECTED: 0.9}.items()):
        execution = _run(folder, project, run, seed, asr)
        assert execution.failed_step == (None if run == PASSED else "Fail"), execution.failure
        keep(folder / "runs/cache/definitions" / f"{seed}{'0' * 63}.json", _definition(run))


def open_signed_workspace(folder: Path, copy: Path) -> SignedWorkspace:
    """Return what `build_signed_workspace` made, with a copy in which the first package is approved."""
    pending = Registry(copy / "registry")
    approve(pending, f"{GROUP}/1", by="ann", reason="it is good", signing_key=folder / "key.pem")
    public = folder / "key.pub.pem"
    return SignedWorkspace(folder / "runs", copy, folder / "key.pem", PublicKey.read(public), public)


def _run(folder: Path, project: Path, run: str, seed: int, asr: float) -> Execution:
    given = folder / "given" / run
    make_dataset(given / "train", seed=seed)
    scene = Scene(hardened_asr=asr)
    evaluation = given / "evaluation"
    DrawnEvaluation(evaluation, scene).write()
    for number, name in enumerate(("canaries", "probes"), 1):
        make_dataset(evaluation / name, seed=seed + 10 * number)
    commit(evaluation, read_manifest(evaluation))
    config = validate(Config, {"name": GROUP, "seed": seed}, where="test").model_dump(mode="json")
    return execute(
        _definition(run),
        {"s3://b/given/train": given / "train", "s3://b/given/evaluation": evaluation},
        workspace=folder / "runs",
        run_id=run,
        config=config,
        project=project,
        signing_key=folder / "key.pem",
        report=write_report,
        warm=False,
    )


def _sign(step: str, **inputs: Any) -> dict[str, Any]:
    return toy.processing(
        f"Sign{step}", "aws.jobs.sign", inputs, list(inputs), environment={"SIGNING_KEY": "local"}
    )


def _definition(run: str) -> dict[str, Any]:
    train = toy.output_of("Preprocess", "train")
    model = toy.get("Steps.TrainVictim.ModelArtifacts.S3ModelArtifacts")
    evaluation = toy.output_of("Evaluate", "evaluation")
    evaluate = toy.processing(
        "Evaluate",
        "processing.evaluate",
        {"given": "s3://b/given/evaluation", "model": model},
        ["evaluation"],
        PropertyFiles=[
            {"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}
        ],
    )
    limits = GateConfig().model_dump()
    steps = [
        toy.processing("Preprocess", "processing.preprocess", {"given": "s3://b/given/train"}, ["train"]),
        _sign("Preprocess", train=train),
        toy.training("TrainVictim", {"train": train}, epochs="3"),
        evaluate,
        _sign("Candidate", model=model, evaluation=evaluation),
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "LessThanOrEqualTo",
                        "LeftValue": _metric(f"gate.{rule.key}"),
                        "RightValue": float(limits[rule.limit]),
                    }
                    for rule in GATE
                ],
                "IfSteps": [
                    _register("Register", "PendingManualApproval", model, evaluation),
                    _lineage(model),
                ],
                "ElseSteps": [
                    _register("RegisterRejected", "Rejected", model, evaluation),
                    {
                        "Name": "Fail",
                        "Type": "Fail",
                        "Arguments": {"ErrorMessage": toy.join("rejected:", _metric("reasons"), on=" ")},
                        "DependsOn": ["RegisterRejected"],
                    },
                ],
            },
        },
    ]
    word = {"Name": "Word", "Type": "String", "DefaultValue": run}
    return {"Version": "2020-12-01", "Parameters": [word], "Steps": steps}


def _metric(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": toy.get("Steps.Evaluate.PropertyFiles.metrics"), "Path": path}}


def _register(name: str, status: str, model: Any, evaluation: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": status,
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": toy.join(evaluation, "metrics.json")}}},
            "CustomerMetadataProperties": {"Model": "hardened"},
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": model}]},
        },
    }


def _lineage(model: Any) -> dict[str, Any]:
    things = {"model": model, "package": toy.get("Steps.Register.ModelPackageArn")}
    return {
        "Name": "Lineage",
        "Type": "Lineage",
        "Arguments": {
            "Actions": [
                {
                    "ActionName": toy.unique("Register"),
                    "ActionType": "Register",
                    "Source": {"SourceUri": "s3://b/Register"},
                }
            ],
            "Artifacts": [
                {"ArtifactName": toy.unique(key), "ArtifactType": "Model", "Source": {"SourceUri": uri}}
                for key, uri in things.items()
            ],
            "Associations": [
                toy.association("model", "Register*", "ContributedTo"),
                toy.association("Register*", "package", "Produced"),
            ],
        },
    }
