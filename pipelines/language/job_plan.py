"""What a job may see and has to leave, read from the resolved arguments of its step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from boomerang.contract import ML_ROOT
from boomerang.errors import ConfigError

INTERPRETERS = ("python", "python3")

# What `train`, which SageMaker runs in a training image without an entrypoint, is in ours.
_TRAIN = ("python", "-m", "training.train")
_DEFAULT_TIMEOUT_S = 86400


@dataclass(frozen=True)
class Source:
    """An input: an address, and the folder below `/opt/ml` where the job finds what lies there."""

    name: str
    uri: str
    local: str


@dataclass(frozen=True)
class Target:
    """An output: the address it goes to, and the folder below `/opt/ml` where the job leaves it.

    A packed one goes to its address as a single `.tar.gz`; an optional one may be empty.
    """

    name: str
    uri: str
    local: str
    packed: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything about a job, its expressions resolved.

    Attributes
    ----------
    step : str
    training : bool
        A training job, else a processing job.
    command : tuple of str
        As in the container: `python` stands for this interpreter.
    environment, hyperparameters : mapping
        As the definition gives them.
    sources, targets : tuple
    timeout_s : int
    hosts : int
        Machines that the job runs on.
    checkpoints : bool
        Whether it has a folder that outlives it.
    """

    step: str
    training: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    hyperparameters: Mapping[str, str]
    sources: tuple[Source, ...]
    targets: tuple[Target, ...]
    timeout_s: int
    hosts: int = 1
    checkpoints: bool = False

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of its machines, as SageMaker gives them."""
        return tuple(f"algo-{number}" for number in range(1, self.hosts + 1))

    @property
    def module(self) -> str | None:
        """The module that `python -m` runs, if that is the command."""
        return module_of(self.command)

    def target(self, name: str) -> Target:
        """Return the output of that name; raises ConfigError where there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise ConfigError(f"step {self.step} has no output '{name}'")


def module_of(command: Sequence[Any]) -> str | None:
    """Return the module that a command like `python -m module ...` runs, or None for another command."""
    match command:
        case [interpreter, "-m", str(module), *_] if interpreter in INTERPRETERS:
            return module
    return None


def command_of(kind: str, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the command of a job step from its arguments, whose expressions may be unresolved."""
    image = arguments["AlgorithmSpecification" if kind == "Training" else "AppSpecification"]
    entrypoint = image.get("ContainerEntrypoint") or (_TRAIN if kind == "Training" else ())
    return (*entrypoint, *image.get("ContainerArguments", ()))


def plan(step: str, kind: str, arguments: Mapping[str, Any], job_name: str) -> Plan:
    """Return the plan of a job step from its resolved arguments.

    Parameters
    ----------
    step : str
    kind : {'Processing', 'Training'}
    arguments : mapping
        Of CreateProcessingJob or CreateTrainingJob.
    job_name : str
        The folder that a training job's model goes to, below its output path.

    Raises
    ------
    ConfigError
        If something that a job needs is missing, or lies outside `/opt/ml`.
    """
    try:
        job = (_training if kind == "Training" else _processing)(step, arguments, job_name)
    except KeyError as error:
        raise ConfigError(f"step {step}", f"its arguments lack {error}", "correct the definition") from None
    for value in (*job.command, *job.environment.values(), *job.hyperparameters.values()):
        if not isinstance(value, str):
            why = f"{value!r} is no text, and the service takes nothing else"
            raise ConfigError(f"step {step}", why, "use the parameter's to_string()")
    if not job.command:
        raise ConfigError(f"step {step}", "it has no command", "give its container an entrypoint")
    return job


def _processing(step: str, arguments: Mapping[str, Any], _: str) -> Plan:
    outputs = arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    inputs = [(entry["InputName"], entry["S3Input"]) for entry in arguments.get("ProcessingInputs", [])]
    made = [(entry["OutputName"], entry["S3Output"]) for entry in outputs]
    return Plan(
        step=step,
        training=False,
        command=command_of("Processing", arguments),
        environment=arguments.get("Environment", {}),
        hyperparameters={},
        sources=tuple(Source(name, s3["S3Uri"], _below(s3["LocalPath"])) for name, s3 in inputs),
        targets=tuple(Target(name, s3["S3Uri"], _below(s3["LocalPath"])) for name, s3 in made),
        timeout_s=_timeout(arguments),
        hosts=_hosts(arguments.get("ProcessingResources", {}).get("ClusterConfig", {})),
    )


def _training(step: str, arguments: Mapping[str, Any], job_name: str) -> Plan:
    folder = f"{arguments['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job_name}/output"
    channels = arguments.get("InputDataConfig", [])
    return Plan(
        step=step,
        training=True,
        command=command_of("Training", arguments),
        environment=arguments.get("Environment", {}),
        hyperparameters=arguments.get("HyperParameters", {}),
        sources=tuple(
            Source(name, entry["DataSource"]["S3DataSource"]["S3Uri"], _below(f"{ML_ROOT}/input/data/{name}"))
            for name, entry in ((entry["ChannelName"], entry) for entry in channels)
        ),
        targets=(
            Target("model", f"{folder}/model.tar.gz", "model", packed=True),
            Target("data", f"{folder}/output.tar.gz", "output/data", packed=True, optional=True),
        ),
        timeout_s=_timeout(arguments),
        hosts=_hosts(arguments.get("ResourceConfig", {})),
        checkpoints="CheckpointConfig" in arguments,
    )


def _hosts(cluster: Mapping[str, Any]) -> int:
    return int(cluster.get("InstanceCount", 1))


def _timeout(arguments: Mapping[str, Any]) -> int:
    return int(arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_TIMEOUT_S))


def _below(local: str) -> str:
    path = PurePosixPath(local)
    if not path.is_relative_to(ML_ROOT) or ".." in path.parts:
        raise ConfigError(
            f"local path '{local}'", f"a job's data lies below {ML_ROOT}", "correct the definition"
        )
    return path.relative_to(ML_ROOT).as_posix()


def properties(job: Plan) -> dict[str, Any]:
    """Return what other steps may read of a job with `Get`, in the shape of SageMaker's Describe call."""
    if job.training:
        return {
            "ModelArtifacts": {"S3ModelArtifacts": job.target("model").uri},
            "OutputDataConfig": {"S3OutputPath": job.target("model").uri.rsplit("/", 3)[0]},
            "TrainingJobStatus": "Completed",
        }
    outputs = {target.name: {"S3Output": {"S3Uri": target.uri}} for target in job.targets}
    return {"ProcessingOutputConfig": {"Outputs": outputs}, "ProcessingJobStatus": "Completed"}
