"""What is written down about a run: `execution.json`, rewritten in one piece after each step.

The record holds the digest of every other file of the run, and one of itself. Who can write into the folder
can write a record anew with its digest: that it is as it was made is said by its signature
(`pipelines.registry.signatures`), and on the machine that it was made on by the code of the user who made it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from boomerang.digest import digest_json
from boomerang.errors import BadInput
from boomerang.manifest import FileEntry
from boomerang.safeio import display_name, load_json, safe_join, write_json_atomic
from pipelines.definition.user_key import made_by_user, user_code
from pipelines.language.job_plan import Target
from pipelines.runs.storage import Made, digest_files

# What lies at the top of a run's folder.
EXECUTION, DEFINITION, CONFIG = "execution.json", "definition.json", "config.json"
PAGE, NUMBERS, LOGS = "report.html", "report.json", "logs"
# Why a run failed that was interrupted.
INTERRUPTED = "it was interrupted"

EventKind = Literal["started", "cached", "succeeded", "rejected", "failed", "skipped"]
Status = Literal["Running", "Succeeded", "Failed"]
StepStatus = Literal["Succeeded", "Failed", "Skipped"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a step; `seconds` is how long it took (of a cached one: had taken).

    A condition that does not hold has done its work, and `rejected` what came to it.
    """

    step: str
    kind: EventKind
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class OutputRecord:
    """An output as it was made.

    Attributes
    ----------
    uri : str
    path : str
        Relative to the run's folder.
    digest : str
        `boomerang.digest.digest_tree` of the path.
    files : dict
        Digest and size of each file: of a folder by relative name, of a single file by its name.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    uri: str
    path: str
    digest: str
    files: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Attributes
    ----------
    name, type : str
        `type` as in the definition: `Processing`, `Training`, `Condition`, `Fail`, `RegisterModel`, `Model`,
        `Lineage`.
    status : {'Succeeded', 'Failed', 'Skipped'}
    started, ended : str
        UTC, ISO 8601; empty for a skipped step.
    seconds : float
        What it took in this run.
    job_seconds : float
        What of it was the job's own process, or container; of several machines one.
    cpu_seconds : float
        What that process took of the processors; 0 where it was not measured, as of a container.
    peak_bytes : int
        The most memory that it held at once, mapped files among it; 0 where it was not measured.
    cached : bool
    cached_from : str or None
        The run that made the outputs.
    cached_seconds : float
        What it took in that run; `cpu_seconds` and `peak_bytes` are of that run, too.
    key : str or None
        Its key in the cache.
    exit_code : int or None
        Of the job; None where no job ran.
    log : str or None
        Relative to the run's folder.
    inputs : dict
        Content digest and address of each input.
    hyperparameters : dict
        Of a training job.
    outputs : dict of OutputRecord
    package : dict
        What was registered: `name`, and `digest` of its `package.json`.
    detail : str
        The reason of a failure, the branch of a condition, the package that was registered.
    held : bool or None
        Of a condition: whether it held. None of any other step.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    type: str
    status: StepStatus
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    job_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    cached: bool = False
    cached_from: str | None = None
    cached_seconds: float = 0.0
    key: str | None = None
    exit_code: int | None = None
    log: str | None = None
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    hyperparameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, OutputRecord] = field(default_factory=dict)
    package: dict[str, str] = field(default_factory=dict)
    detail: str = ""
    held: bool | None = None


@dataclass(frozen=True)
class Execution:
    """A run of a pipeline.

    Attributes
    ----------
    run_id, pipeline : str
    status : {'Running', 'Succeeded', 'Failed'}
        A run that was killed stays at `Running`.
    failed_step : str or None
    failure : str
        Why, or empty.
    steps : tuple of StepRecord
        In the order in which they ran.
    parameters : dict
        The pipeline parameters, as resolved.
    staged : dict
        Digest and size of each file that was there before the first step, by its path in the run's folder.
    files : dict
        The same of all that no step's output holds: definition and config from the start, and once the run
        has ended its logs, lineage and report.
    run_dir : Path
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    run_id: str
    run_dir: Path
    status: Status = "Running"
    failed_step: str | None = None
    failure: str = ""
    steps: tuple[StepRecord, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    staged: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: str = ""
    ended: str = ""
    seconds: float = 0.0

    @property
    def has_ended(self) -> bool:
        """Whether it went to its end, good or bad; one that was killed did not."""
        return self.status != "Running"

    def step(self, name: str) -> StepRecord:
        """Return the record of a step; raises BadInput where the run has none."""
        for record in self.steps:
            if record.name == name:
                return record
        raise BadInput(
            f"run {self.run_id} has no step '{name}'", f"it has: {', '.join(s.name for s in self.steps)}"
        )

    def path(self, step: str, output: str) -> Path:
        """Return where an output lies: a folder, or for a training job's `model` its `model.tar.gz`.

        Raises
        ------
        BadInput
            If the run has no such step, the step left no such output, or its path leads out of the run.
        """
        record = self.step(step)
        if output not in record.outputs:
            made = ", ".join(record.outputs) or "nothing"
            raise BadInput(f"step {step} of run {self.run_id} has no output '{output}'", f"it left: {made}")
        return safe_join(self.run_dir, record.outputs[output].path)

    def has(self, step: str, output: str) -> bool:
        """Whether the run has that output."""
        return any(record.name == step and output in record.outputs for record in self.steps)

    def save(self) -> None:
        """Write `execution.json`, in one piece."""
        content = asdict(self) | {"format": 1}
        del content["run_dir"]
        digest = digest_json(content)
        write_json_atomic(
            self.run_dir / EXECUTION, content | {"digest": digest, "code": user_code(_PURPOSE, digest)}
        )


# What a user's code of a record is made for.
_PURPOSE = "run"
_EXECUTIONS = TypeAdapter(Execution)


def load_execution(run_dir: Path) -> Execution:
    """Read the record of a run; whether it is as it was written, `check_record` says.

    Raises
    ------
    BadInput
        If the folder holds none, or it is malformed.
    """
    content = _content(run_dir)
    del content["digest"], content["code"], content["format"]
    try:
        record = _EXECUTIONS.validate_python(content | {"run_dir": run_dir})
    except ValidationError as error:
        first = error.errors()[0]
        raise _no_record(run_dir, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    unlisted = [name for name, entry in _listed(record) if not isinstance(entry.get("sha256"), str)]
    if unlisted:
        raise _no_record(run_dir, f"{unlisted[0]} has no digest")
    return record


def check_record(run_dir: Path) -> str:
    """Return what is wrong with the record of a run, as it was written; nothing if all is well.

    Raises
    ------
    BadInput
        As `load_execution` does.
    """
    content = _content(run_dir)
    digest, code = content.pop("digest"), content.pop("code")
    try:
        if digest_json(content) != digest or made_by_user(code, _PURPOSE, digest) is False:
            return "has been changed"
    except ValueError:  # a lone surrogate
        return "has been changed"
    if content.get("run_id") != run_dir.resolve().name:
        return f"is the record of another run, '{display_name(str(content.get('run_id')))}'"
    return ""


def _content(run_dir: Path) -> dict[str, Any]:
    content = load_json(run_dir / EXECUTION)
    if not isinstance(content, dict):
        raise _no_record(run_dir, "it is no table")
    if absent := sorted({"format", "digest", "code"} - content.keys()):
        raise _no_record(run_dir, f"it lacks {', '.join(absent)}")
    return content


def _no_record(run_dir: Path, why: str) -> BadInput:
    return BadInput(f"{run_dir / EXECUTION}", f"it is no record of a run ({display_name(why)})", "run again")


def _listed(record: Execution) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in record.steps:
        for output in step.outputs.values():
            yield from output.files.items()


def output_record(made: Made, target: Target, path: Path, run_dir: Path) -> OutputRecord:
    """Return the record of a finished output that lies at `path`."""
    files: dict[str, FileEntry] = dict(made.files)
    digest = digest_files(files) if made.folder else next(iter(files.values())).sha256
    return OutputRecord(
        uri=target.uri,
        path=path.relative_to(run_dir).as_posix(),
        digest=digest,
        files={name: entry.model_dump() for name, entry in files.items()},
    )


@dataclass(frozen=True)
class Clock:
    """When a step began."""

    started: str
    _mark: float

    @classmethod
    def start(cls) -> Clock:
        """Return a clock that starts now."""
        return cls(now(), time.monotonic())

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._mark, 3)

    def stamp(self, record: StepRecord) -> StepRecord:
        """Return the record with its times, ending now."""
        return replace(record, started=self.started, ended=now(), seconds=self.seconds)


def now() -> str:
    """Return the time as UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
