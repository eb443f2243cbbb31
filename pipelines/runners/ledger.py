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

from boomerang.digest import digest_json
from boomerang.errors import BadInput, IntegrityError, StepFailed, UsageError
from boomerang.formats.evaluation import CANARIES
from boomerang.formats.probes import PROBES
from boomerang.manifest import SIGNATURE
from boomerang.safeio import remove_tree, sweep, write_bytes_atomic, write_json_atomic
from pipelines.language.job_plan import Plan
from pipelines.registry import origin
from pipelines.registry.local import Registry
from pipelines.registry.signatures import sign_run
from pipelines.registry.verdict import check_branch
from pipelines.runs.held import hold_run
from pipelines.runs.lineage import LINEAGE, Lineage, lineage_of
from pipelines.runs.locking import JOBS_LOCK, RUN_LOCK, locked
from pipelines.runs.records import (
    CONFIG,
    DEFINITION,
    EXECUTION,
    LOGS,
    NUMBERS,
    PAGE,
    Clock,
    Event,
    EventKind,
    Execution,
    OutputRecord,
    Status,
    StepRecord,
    load_execution,
    now,
    output_record,
)
from pipelines.runs.storage import Made, Store, file_entry, plain_files

OnEvent = Callable[[Event], None]
# Writes a report into the folder of a run that has ended.
Report = Callable[[Path], object]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# What lies beside the runs. Where a file system knows no case, `Cache` is the same folder.
_RESERVED = frozenset(
    {"cache", "registry", "metrics.jsonl", "metrics.jsonl.unfinished", "dashboard.html", "comparison.html"}
)
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
        self.order: dict[str, str | None] = {}
        self.staged: dict[str, dict[str, Any]] = {}
        # Files that are this run's own: those of an earlier try are none.
        self.told: tuple[str, ...] = ()
        self.clock = Clock.start()
        self.store = Store(run_dir / "s3")
        self.registry = Registry(run_dir.parent / "registry")

    def prepare(
        self, definition: Mapping[str, Any], staged: Mapping[str, Path | bytes], config: Any = None
    ) -> None:
        """Clear what an earlier try has left and put the staged files where the steps look for them.

        Parameters
        ----------
        definition : mapping
        staged : mapping of address to Path or bytes
        config : plain JSON, optional
            The entry that the definition is of.

        Raises
        ------
        UsageError
            If the registry keeps a package of a run of this name that was told something else.
        """
        self.order = {
            "definition": digest_json(definition),
            "config": None if config is None else digest_json(config),
            "parameters": digest_json(self.parameters),
        }
        self._refuse_other()
        # From here on it is no longer the run that it was: first its signature goes.
        (self.run_dir / SIGNATURE).unlink(missing_ok=True)
        self.save("Running")
        for name in (PAGE, NUMBERS, LINEAGE, CONFIG, DEFINITION):
            (self.run_dir / name).unlink(missing_ok=True)
        for name in ("s3", "jobs", LOGS):
            remove_tree(self.run_dir / name)
        write_json_atomic(self.run_dir / DEFINITION, definition)
        if config is not None:
            write_json_atomic(self.run_dir / CONFIG, config)
        for uri, source in staged.items():
            self.store.stage(uri, source)
        self.staged = {
            self.store.path(uri).relative_to(self.run_dir).as_posix(): entry.model_dump()
            for uri, entry in self.store.objects.items()
        }
        self.told = (DEFINITION, CONFIG)
        self.save("Running")

    def _refuse_other(self) -> None:
        """Refuse to put another run in the place of one whose package the registry keeps."""
        for package in self.registry.all_packages():
            if package.facts.get("run") == self.run_dir.name and package.facts.get("order") != self.order:
                why = f"it was run with other settings, and the registry keeps its package {package.name}"
                raise UsageError(f"run {self.run_dir.name}", why, "choose another --id")

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
        if record.held is False:
            kind = "rejected"
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
            staged=self.staged,
            files=self._files(status),
            started=self.clock.started,
            ended="" if status == "Running" else now(),
            seconds=self.clock.seconds,
        )
        execution.save()
        return execution

    def _files(self, status: Status) -> dict[str, dict[str, Any]]:
        """Return digest and size of what no step's output holds; what still grows, when it has ended."""
        names = [*self.told]
        if status != "Running":
            names += [LINEAGE, PAGE, NUMBERS]
            if (self.run_dir / LOGS).is_dir():
                names += [f"{LOGS}/{name}" for name, _ in plain_files(self.run_dir / LOGS)]
        files = {name: self.run_dir / name for name in names}
        return {name: file_entry(file).model_dump() for name, file in files.items() if file.is_file()}

    def close(self, execution: Execution, report: Report | None, signing_key: Path | None) -> Execution:
        """Let the report of a run that has ended be written, note its digest, and sign the record.

        The record names every other file of the run: what was signed with it cannot be taken out of it.
        """
        if report is not None:
            report(self.run_dir)
            execution = replace(execution, files=self._files(execution.status))
            execution.save()
        if signing_key is not None:
            sign_run(execution, signing_key)
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
        IntegrityError
            If the branch that registers it is not what the gate's verdict says.
        """
        try:
            group = arguments["ModelPackageGroupName"]
            model = arguments["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        except (KeyError, IndexError) as error:
            raise StepFailed(f"step {step}", f"its arguments lack {error}") from None
        status = arguments.get("ModelApprovalStatus", "PendingManualApproval")
        quality = arguments.get("ModelMetrics", {}).get("ModelQuality", {})
        metrics = quality.get("Statistics", {}).get("S3Uri")
        if metrics:
            check_branch(status, self.store.path(metrics))
        beside = self.store.path(metrics).parent if metrics else None
        package = self.registry.register(
            group,
            self.store.path(model),
            status=status,
            run=self.run_dir.name,
            step=step,
            metrics=self.store.path(metrics) if metrics else None,
            folders={name: beside / name for name in _KEPT if (beside / name).is_dir()} if beside else {},
            facts={
                **origin.facts(model, metrics, self.records, self.run_dir),
                **origin.sayings(step, arguments),
                "order": self.order,
            },
        )
        registered = {"name": package.name, "digest": str(package.facts["digest"])}
        return replace(record, package=registered, detail=f"{package.name}, {package.status}")

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


def write_report_again(run_dir: Path, report: Report, signing_key: Path | None = None) -> None:
    """Write the report of a run again, from what is as it was recorded, and note its digest in the record.

    Raises
    ------
    IntegrityError
        If a file of the run is not what was recorded; of its report it may be.
    UsageError
        If another process works on the run, or its record is signed and would be another, without a key.
    """
    reports = [run_dir / name for name in (PAGE, NUMBERS)]
    with held_run(run_dir.resolve().parent, run_dir.resolve().name) as held:
        if problems := [each for each in hold_run(held) if each.path.name not in (PAGE, NUMBERS)]:
            why = f"{problems[0].path}: {problems[0].what}"
            raise IntegrityError(f"{run_dir}", why, "restore it, or run it again under another --id")
        before = {file: file.read_bytes() for file in reports if file.is_file()}
        execution = load_execution(held)
        report(held)
        written = {file.name: file_entry(file).model_dump() for file in reports}
        files = execution.files | (written if execution.has_ended else {})
        if files == execution.files:
            return
        if (held / SIGNATURE).exists() and signing_key is None:
            for file, content in before.items():
                write_bytes_atomic(file, content)
            why = "its record is signed, and the report would be another than was signed"
            raise UsageError(f"{run_dir}", why, "give the key to sign it again: --sign KEY")
        execution = replace(execution, files=files)
        execution.save()
        if signing_key is not None:
            sign_run(execution, signing_key)


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
        If another process does, the name cannot be a run's, or a folder of that name is none.
    """
    check_run_id(run_id)
    run_dir = workspace.resolve() / run_id
    _check_folder(run_dir)
    with locked(run_dir / RUN_LOCK, wait=False, what=f"run {run_id}"):
        # A job of a try that was killed has some seconds to end; it must not write into the next one's disks.
        with locked(run_dir / JOBS_LOCK, wait=True, what=f"jobs of run {run_id}"):
            sweep(run_dir)
            sweep(run_dir.parent)
        yield run_dir


def _check_folder(run_dir: Path) -> None:
    """Refuse a folder that is no run's: one that is run again is cleared."""
    marked = any((run_dir / name).is_file() for name in (RUN_LOCK, EXECUTION))
    why = ""
    if run_dir.is_symlink():
        why = "it is a link, and what it leads to is not a run's to clear"
    elif run_dir.exists() and not run_dir.is_dir():
        why = "it is no folder"
    elif run_dir.is_dir() and not marked and any(run_dir.iterdir()):
        why = "it is not empty, and holds no run"
    if why:
        raise UsageError(f"{run_dir}", why, "choose another --id, or take it away")
