"""What every runner does alike: the record of a run, its store, its outputs, its registry.

A runner decides where jobs run; from here come the files it leaves, so that a run on this machine
and one in containers are read, reported and verified by the same code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from boomerang.errors import BadInput, StepFailed, UsageError
from boomerang.formats.evaluation import CANARIES
from boomerang.formats.probes import PROBES
from boomerang.manifest import SIGNATURE
from boomerang.safeio import remove_tree, write_json_atomic
from pipelines.language.job_plan import Plan
from pipelines.registry import origin
from pipelines.registry.local import Registry
from pipelines.runs.lineage import LINEAGE, Lineage, lineage_of
from pipelines.runs.locking import locked
from pipelines.runs.records import (
    DEFINITION,
    Clock,
    Event,
    EventKind,
    Execution,
    OutputRecord,
    Status,
    StepRecord,
    now,
    output_record,
)
from pipelines.runs.storage import Made, Store

OnEvent = Callable[[Event], None]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# What lies beside the runs. Where a file system knows no case, `Cache` is the same folder.
_RESERVED = frozenset({"cache", "registry", "metrics.jsonl", "metrics.jsonl.unfinished", "dashboard.html"})
_KEPT = (CANARIES, PROBES)
_EVENTS: Mapping[str, EventKind] = {"Succeeded": "succeeded", "Failed": "failed", "Skipped": "skipped"}


class Ledger:
    """The record of one run while it goes on, and all that the run leaves behind.

    Parameters
    ----------
    run_dir : Path
        The run's folder; the registry lies beside it.
    parameters : mapping
        The values of the pipeline's parameters.
    on_event : callable
        Told of each step's start and end.
    """

    def __init__(self, run_dir: Path, parameters: Mapping[str, Any], on_event: OnEvent) -> None:
        self.run_dir, self.parameters, self.on_event = run_dir, dict(parameters), on_event
        self.records: list[StepRecord] = []
        self.clock = Clock.start()
        self.store = Store(run_dir / "s3")
        self.registry = Registry(run_dir.parent / "registry")

    def prepare(self, definition: Mapping[str, Any], staged: Mapping[str, Path | bytes]) -> None:
        """Clear what an earlier try has left and put the staged files where the steps look for them."""
        for name in ("s3", "jobs", "logs"):
            remove_tree(self.run_dir / name)
        (self.run_dir / LINEAGE).unlink(missing_ok=True)
        write_json_atomic(self.run_dir / DEFINITION, definition)
        self.save("Running")
        for uri, source in staged.items():
            self.store.stage(uri, source)

    def folder(self, step: str) -> Path:
        """Return where the disks of a step's job lie while it runs."""
        return self.run_dir / "jobs" / step

    def log(self, step: str) -> Path:
        """Return the log of a step."""
        return self.run_dir / "logs" / f"{step}.log"

    def note(self, record: StepRecord) -> None:
        """Add the record of a step that has ended."""
        self.records.append(record)
        self.save("Running")
        kind: EventKind = "cached" if record.cached else _EVENTS[record.status]
        seconds = record.cached_seconds if record.cached else record.seconds
        self.on_event(Event(record.name, kind, seconds, record.detail))

    def save(self, status: Status, *, failed_step: str | None = None, failure: str = "") -> Execution:
        """Write the record of the run as it is now."""
        execution = Execution(
            run_id=self.run_dir.name,
            run_dir=self.run_dir,
            status=status,
            failed_step=failed_step,
            failure=failure,
            steps=tuple(self.records),
            parameters=self.parameters,
            started=self.clock.started,
            ended="" if status == "Running" else now(),
            seconds=self.clock.seconds,
        )
        execution.save()
        return execution

    def inputs(self, job: Plan) -> dict[str, dict[str, str]]:
        """Return the content digest and the address of each input of a job."""
        return {s.name: {"uri": s.uri, "digest": self.store.digest(s.uri)} for s in job.sources}

    def adopt(self, job: Plan, made: Sequence[Made]) -> dict[str, OutputRecord]:
        """Put a job's outputs at their addresses."""
        records = {}
        for output in made:
            target = job.target(output.name)
            self.store.adopt(target.uri, output.path, output.files)
            records[output.name] = output_record(output, target, self.store.path(target.uri), self.run_dir)
        return records

    def register(self, step: str, arguments: Mapping[str, Any], record: StepRecord) -> StepRecord:
        """Put a candidate into the local registry as the arguments of CreateModelPackage say.

        What its canary will need lies beside its metrics, and is kept with it.

        Raises
        ------
        StepFailed
            If they do not say which group or which model.
        """
        try:
            group = arguments["ModelPackageGroupName"]
            model = arguments["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        except (KeyError, IndexError) as error:
            raise StepFailed(f"step {step}", f"its arguments lack {error}") from None
        quality = arguments.get("ModelMetrics", {}).get("ModelQuality", {})
        metrics = quality.get("Statistics", {}).get("S3Uri")
        beside = self.store.path(metrics).parent if metrics else None
        package = self.registry.register(
            group,
            self.store.path(model),
            status=arguments.get("ModelApprovalStatus", "PendingManualApproval"),
            run=self.run_dir.name,
            step=step,
            metrics=self.store.path(metrics) if metrics else None,
            folders={name: beside / name for name in _KEPT if (beside / name).is_dir()} if beside else {},
            facts=origin.facts(model, metrics, self.records, self.run_dir) | origin.sayings(step, arguments),
        )
        return replace(record, detail=f"{package.name}, {package.status}")

    def trace(self, step: str, arguments: Mapping[str, Any]) -> Lineage:
        """Write what a Lineage step records into the run's folder, and return it; see `lineage_of`."""
        traced = lineage_of(
            step, arguments, run=self.run_dir.name, content=self._content, signed=self._signed
        )
        write_json_atomic(self.run_dir / LINEAGE, traced.model_dump(mode="json"))
        return traced

    def _content(self, uri: str) -> str | None:
        """Return the digest of what lies at an address, or of a package by its name."""
        try:
            if uri.startswith("s3://"):
                return self.store.digest(uri)
            group, _, version = uri.partition("/")
            return str(self.registry.package(group, int(version)).facts["digest"])
        except (BadInput, ValueError):
            return None

    def _signed(self, uri: str) -> bool:
        """Whether a signing job has left a signature at an address; whether it is right, `verify` says."""
        return any(self.store.path(uri).rglob(SIGNATURE))


def check_run_id(run_id: str) -> None:
    """Raise UsageError if a run's folder cannot have this name."""
    if run_id.casefold() in _RESERVED:
        why = "that cannot name a run's folder: something else of the workspace has this name"
        raise UsageError(f"run '{run_id}'", why, "give another")
    if not _RUN_ID.fullmatch(run_id):
        do = "use up to 100 letters, digits, dots, dashes and underscores"
        raise UsageError(f"run '{run_id}'", "that cannot name a run's folder", do)


@contextmanager
def held_run(workspace: Path, run_id: str) -> Iterator[Path]:
    """Give the folder of a run that no other process works on while the block runs.

    Raises
    ------
    UsageError
        If another process does, or the name cannot be a run's.
    """
    check_run_id(run_id)
    run_dir = workspace.resolve() / run_id
    with locked(run_dir / ".lock", wait=False, what=f"run {run_id}"):
        yield run_dir
