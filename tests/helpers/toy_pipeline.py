"""A small project with jobs of a few lines, and pipeline definitions over it, for the runner's tests.

The definitions are written as the SageMaker Python SDK v3 writes them (see test_definition.py for the
project's own).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CONFIG = "s3://bucket/config"
STAGED: dict[str, Path | bytes] = {f"{CONFIG}/config.json": b'{"word": "hello"}'}

# What every job of the toy project starts with.
HEAD = "import json, os, sys, time\nfrom pathlib import Path\nml = Path(os.environ['BOOMERANG_ML_ROOT'])\n"
JOBS = {
    "processing/make.py": """
word = json.loads((ml / "processing/input/config/config.json").read_text())["word"]
(ml / "processing/output/train/x.txt").write_text(word + " " + " ".join(sys.argv[1:]))
""",
    "processing/measure.py": """
from boomerang_toy import score
assert (ml / "processing/input/model/model.tar.gz").is_file()
out = ml / "processing/output/evaluation/metrics.json"
worse = score.DROP > float(sys.argv[1])
gate = {"drop": score.DROP, "failed_checks": int(worse)}
out.write_text(json.dumps({"gate": gate, "reasons": "it got worse" if worse else ""}))
""",
    "training/train.py": """
text = (ml / "input/data/train/x.txt").read_text()
(ml / "model/weights.txt").write_text(text.upper())
""",
    "boomerang_toy/score.py": "DROP = 0.01\n",
}


def project(folder: Path, **replaced: str) -> Path:
    """Write the toy project; a keyword such as `make` replaces the body of that job."""
    for name, body in JOBS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        head = "" if name.startswith("boomerang_toy") else HEAD
        file.write_text(head + replaced.get(file.stem, body))
    return folder


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def join(*values: Any, on: str = "/") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


# The property of a processing step that is the address of an output.
LEFT = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"


def output_of(step: str, name: str) -> dict[str, str]:
    return get(f"Steps.{step}.{LEFT.format(name)}")


def metric(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": get("Steps.Measure.PropertyFiles.metrics"), "Path": path}}


def address(step: str, name: str) -> dict[str, Any]:
    return join("s3://bucket/runs", get("Execution.PipelineExecutionId"), step, name)


def processing(
    name: str,
    module: str,
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
    arguments: Sequence[Any] = (),
    *,
    timeout_s: int = 30,
    environment: Mapping[str, str] | None = None,
    cached: bool = True,
    hosts: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """Return a processing step."""
    base = "/opt/ml/processing"
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts}},
            "AppSpecification": {
                "ImageUri": "image@sha256:0",
                "ContainerEntrypoint": ["python", "-m", module],
                "ContainerArguments": list(arguments),
            },
            "ProcessingInputs": [
                {"InputName": key, "S3Input": {"S3Uri": uri, "LocalPath": f"{base}/input/{key}"}}
                for key, uri in inputs.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {"S3Uri": address(name, key), "LocalPath": f"{base}/output/{key}"},
                    }
                    for key in outputs
                ]
            },
            "Environment": dict(environment or {}),
            "StoppingCondition": {"MaxRuntimeInSeconds": timeout_s},
        },
        "CacheConfig": {"Enabled": cached},
        **more,
    }


def training(
    name: str, channels: Mapping[str, Any], *, hosts: int = 1, **hyperparameters: str
) -> dict[str, Any]:
    """Return a training step."""
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": "image@sha256:0", "TrainingInputMode": "File"},
            "HyperParameters": hyperparameters,
            "InputDataConfig": [
                {"ChannelName": key, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
                for key, uri in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": address(name, "model")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts},
            "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints/train"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 30},
        },
        "CacheConfig": {"Enabled": True},
    }


def register(name: str, status: str, **more: Any) -> dict[str, Any]:
    """Return a step that registers the model of `Train`."""
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "toys",
            "ModelApprovalStatus": status,
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {"S3Uri": join(output_of("Measure", "evaluation"), "metrics.json")}
                }
            },
            "CustomerMetadataProperties": {"Drop": join(metric("gate.drop"), on="")},
            "InferenceSpecification": {
                "Containers": [{"ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")}]
            },
        },
        **more,
    }


def unique(name: str) -> dict[str, Any]:
    return join(name, get("Execution.PipelineExecutionId"), on="-")


def association(source: str, destination: str, kind: str) -> dict[str, Any]:
    """Return that one entity led to another; `*` marks an action."""
    ends = [
        {"Name": unique(each.rstrip("*")), "Type": "Action" if each.endswith("*") else "Artifact"}
        for each in (source, destination)
    ]
    return {"Source": ends[0], "Destination": ends[1], "AssociationType": kind}


def lineage(name: str = "Lineage", **more: Any) -> dict[str, Any]:
    """Return a step that records what the package of `Register` came from."""
    things = {
        "config": (CONFIG, {"Digest": "c0ffee"}),
        "Make-train": (output_of("Make", "train"), {"Title": "training set"}),
        "model": (get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), {}),
        "package": (get("Steps.Register.ModelPackageArn"), {}),
    }
    return {
        "Name": name,
        "Type": "Lineage",
        "Arguments": {
            "Actions": [
                {
                    "ActionName": unique(each),
                    "ActionType": each,
                    "Source": {"SourceUri": f"s3://bucket/{each}"},
                }
                for each in ("Make", "Train", "Register")
            ],
            "Artifacts": [
                {
                    "ArtifactName": unique(key),
                    "ArtifactType": "DataSet",
                    "Source": {"SourceUri": uri},
                    "Properties": properties,
                }
                for key, (uri, properties) in things.items()
            ],
            "Associations": [
                association("config", "Make*", "ContributedTo"),
                association("Make*", "Make-train", "Produced"),
                association("Make-train", "Train*", "ContributedTo"),
                association("Train*", "model", "Produced"),
                association("model", "Register*", "ContributedTo"),
                association("Register*", "package", "Produced"),
            ],
        },
        **more,
    }


def make(**options: Any) -> dict[str, Any]:
    return processing("Make", "processing.make", {"config": CONFIG}, ["train"], **options)


def train(hosts: int = 1) -> dict[str, Any]:
    return training("Train", {"train": output_of("Make", "train")}, hosts=hosts, epochs="3")


def measure() -> dict[str, Any]:
    return processing(
        "Measure",
        "processing.measure",
        {"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")},
        ["evaluation"],
        arguments=[join(get("Parameters.MaxDrop"), on="")],
        PropertyFiles=[
            {"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}
        ],
    )


def for_each(name: str, items: Any, *body: dict[str, Any]) -> dict[str, Any]:
    """Return a step that runs a body once for each item."""
    arguments = {"IterableItems": items, "MaxConcurrency": 2, "ForEachBody": list(body)}
    return {"Name": name, "Type": "ForEach", "Arguments": arguments}


def placed(step: dict[str, Any]) -> dict[str, Any]:
    """Return a body step whose outputs lie below the name of its item."""
    item = get("ForEach.CurrentItem.name")
    arguments = step["Arguments"]
    if step["Type"] == "Training":
        arguments["OutputDataConfig"]["S3OutputPath"]["Std:Join"]["Values"].insert(2, item)
    for entry in arguments.get("ProcessingOutputConfig", {}).get("Outputs", []):
        entry["S3Output"]["S3Uri"]["Std:Join"]["Values"].insert(2, item)
    return step


def word() -> dict[str, Any]:
    return placed(make(arguments=[get("ForEach.CurrentItem.word")]))


def words(*said: str) -> dict[str, Any]:
    """Return a step that makes a training set of each word."""
    items = [json.dumps({"name": str(number), "word": each}) for number, each in enumerate(said)]
    return for_each("Words", items, word())


def learners(*of: int) -> dict[str, Any]:
    """Return a step that trains on some of these sets, and measures."""
    items = [
        join(
            f'{{"name": "{number}", "train": "',
            get(f"Steps.Words.IterationOutputs[{index}].Make.{LEFT.format('train')}"),
            '"}',
            on="",
        )
        for number, index in enumerate(of)
    ]
    learning = training("Train", {"train": get("ForEach.CurrentItem.train")}, epochs="3")
    return for_each("Learners", items, placed(learning), placed(measure()))


def gate() -> dict[str, Any]:
    fail = {
        "Name": "Fail",
        "Type": "Fail",
        "Arguments": {"ErrorMessage": join("rejected:", metric("reasons"), on=" ")},
        "DependsOn": ["RegisterRejected"],
    }
    return {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {
                    "Type": "LessThanOrEqualTo",
                    "LeftValue": metric("gate.drop"),
                    "RightValue": get("Parameters.MaxDrop"),
                }
            ],
            "IfSteps": [register("Register", "PendingManualApproval")],
            "ElseSteps": [register("RegisterRejected", "Rejected"), fail],
        },
    }


def definition(*steps: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition of these steps, or of the whole toy pipeline."""
    word = get("Parameters.Word")
    whole = [make(arguments=["--word", word]), train(), measure(), gate()]
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "MaxDrop", "Type": "Float", "DefaultValue": 0.02},
            {"Name": "Word", "Type": "String", "DefaultValue": "one", "EnumValues": ["one", "two"]},
        ],
        "Steps": [dict(step) for step in steps] or whole,
    }
