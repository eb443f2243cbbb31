"""`status`: an execution as SageMaker knows it, read into values; `pipelines.cloud.follow` shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from aws.account import Account, Answer
from aws.alarms import read_alarms
from boomerang.errors import EXIT_PASSED, EXIT_REJECTED, AwsError, UsageError, nearest
from pipelines.cloud.advice import advice
from pipelines.cloud.deployed import Range

# How far back an execution is looked for by its id or name.
_LOOKED_AT = 200
_GROUPS = {"ProcessingJob": "ProcessingJobs", "TrainingJob": "TrainingJobs"}
_ENDED = {"Succeeded", "Failed", "Stopped"}


@dataclass(frozen=True)
class StepState:
    """A step of an execution.

    Attributes
    ----------
    name : str
    status : str
        As SageMaker says it (Starting, Executing, Stopping, Stopped, Failed, Succeeded), or Waiting.
    started, ended : datetime or None
    cached : bool
        Whether an earlier execution's result was taken.
    reason : str
        Why it failed.
    log : str
        The command that shows the log of its job, or empty.
    is_gate : bool
        Whether it is the step that ends a run whose candidate was rejected.
    """

    name: str
    status: str = "Waiting"
    started: datetime | None = None
    ended: datetime | None = None
    cached: bool = False
    reason: str = ""
    log: str = ""
    is_gate: bool = False

    def seconds(self, now: datetime) -> float | None:
        """Return how long it has taken; None if it has not begun."""
        return None if self.started is None else ((self.ended or now) - self.started).total_seconds()

    @property
    def do(self) -> str:
        """What to do about its failure, or empty."""
        if self.is_gate:
            return "the numbers are in metrics.json, in Evaluate's output"
        return advice(self.reason)


@dataclass(frozen=True)
class ExecutionState:
    """An execution of a pipeline, with every step of its definition, those that wait included."""

    arn: str
    name: str
    status: str
    started: datetime
    steps: tuple[StepState, ...] = ()
    reason: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _ENDED

    @property
    def was_rejected(self) -> bool:
        """Whether it ended because the gate rejected the candidate, and for no other reason."""
        failed = [step for step in self.steps if step.status == "Failed"]
        return self.status == "Failed" and bool(failed) and all(step.is_gate for step in failed)

    @property
    def exit_code(self) -> int:
        """0 while it goes on and when it passed, 1 if the gate rejected, 3 if it failed or was stopped."""
        if self.was_rejected:
            return EXIT_REJECTED
        return EXIT_PASSED if self.status == "Succeeded" or not self.has_ended else AwsError.exit_code


@dataclass(frozen=True)
class Surroundings:
    """What stands beside an execution: the newest packages and the alarms."""

    packages: tuple[str, ...] = ()
    alarms: Mapping[str, str] = field(default_factory=dict)


def find_execution(range_: Range, wanted: str = "") -> str | None:
    """Return the ARN of an execution: the newest, or that of an ARN, id or name; None if none ever ran.

    Raises
    ------
    UsageError
        If there is none of that id or name.
    """
    pipeline = range_.stack.outputs["PipelineName"]
    if wanted.startswith("arn:"):
        return wanted
    known = {}
    for each in islice(range_.account.executions(pipeline), _LOOKED_AT if wanted else 1):
        arn = str(each["PipelineExecutionArn"])
        if not wanted or wanted in (arn.rpartition("/")[2], each.get("PipelineExecutionDisplayName")):
            return arn
        known[arn.rpartition("/")[2]] = arn
    if wanted:
        raise UsageError(
            f"execution '{wanted}'", f"pipeline {pipeline} has none of it", nearest(wanted, known)
        )
    return None


def read_execution(account: Account, arn: str) -> ExecutionState:
    """Return an execution as it is now."""
    said = account.execution(arn)
    begun = {step["StepName"]: _step(step, account.region) for step in account.steps(arn)}
    drawn = json.loads(account.executed_definition(arn)).get("Steps", [])
    ended = said["PipelineExecutionStatus"] in _ENDED
    expected = [] if ended else [step["Name"] for step in drawn]
    return ExecutionState(
        arn=arn,
        name=said.get("PipelineExecutionDisplayName") or arn.rpartition("/")[2],
        status=said["PipelineExecutionStatus"],
        started=_utc(said["CreationTime"]),
        steps=tuple(_ordered(begun, list(_names(drawn)), expected)),
        reason=said.get("FailureReason", ""),
    )


def _ordered(begun: Mapping[str, StepState], order: list[str], expected: list[str]) -> list[StepState]:
    """Return the steps that have begun or will, in the definition's order."""
    order = [*order, *(name for name in begun if name not in order)]
    return [begun.get(name, StepState(name)) for name in order if name in begun or name in expected]


def _names(steps: Any) -> Iterator[str]:
    """Yield the steps of a definition, those of a condition's branches after it."""
    for step in steps:
        yield step["Name"]
        for branch in ("IfSteps", "ElseSteps"):
            yield from _names(step.get("Arguments", {}).get(branch, ()))


def _step(said: Answer, region: str | None) -> StepState:
    metadata: Mapping[str, Any] = said.get("Metadata", {})
    failed = metadata.get("Fail", {}).get("ErrorMessage", "")
    return StepState(
        name=said["StepName"],
        status=said["StepStatus"],
        started=_utc(said["StartTime"]) if "StartTime" in said else None,
        ended=_utc(said["EndTime"]) if "EndTime" in said else None,
        cached="CacheHitResult" in said,
        reason=failed or said.get("FailureReason", ""),
        log=_log(metadata, region),
        is_gate="Fail" in metadata,
    )


def _log(metadata: Mapping[str, Any], region: str | None) -> str:
    """Return the command that shows a job's log: its streams begin with the job's name."""
    for kind, group in _GROUPS.items():
        if arn := metadata.get(kind, {}).get("Arn"):
            job = arn.rpartition("/")[2]
            where = f"/aws/sagemaker/{group} --log-stream-name-prefix {job}/"
            return f"aws logs tail {where} --since 7d --region {region}"
    return ""


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def read_surroundings(range_: Range) -> Surroundings:
    """Return the newest packages and the states of the range's alarms."""
    packages = range_.account.newest_packages(range_.stack.outputs["PackageGroupName"])
    names = [alarm.name for alarm in read_alarms(range_.resolved.resources)]
    return Surroundings(
        tuple(
            f"version {each['ModelPackageVersion']} {each.get('ModelApprovalStatus', 'without a status')}"
            for each in packages
        ),
        range_.account.alarms(names),
    )
