"""A run in containers, as its record sees it: which job is on, what its containers came to, what it left."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from boomerang.safeio import remove_tree
from pipelines.language.expressions import say_failed
from pipelines.language.graph import Node, ordered
from pipelines.language.job_plan import Plan, plan
from pipelines.language.job_plan import properties as job_properties
from pipelines.runners.failure import failure_words
from pipelines.runners.ledger import Ledger
from pipelines.runners.scope import run_scope
from pipelines.runs.lineage import properties as lineage_properties
from pipelines.runs.lineage import said
from pipelines.runs.records import INTERRUPTED, Clock, Event, Execution, StepRecord, StepStatus
from pipelines.runs.storage import Made, seal


@dataclass
class Work:
    """The job that is running.

    Attributes
    ----------
    job : Plan
    log : Path
    checkpoints : Path or None
        The folder that outlives it.
    exit_codes : list of int
        Of its containers, once they have ended.
    seconds : float
        What the longest of them took.
    timed_out : bool
    said : str
        What it left in `/opt/ml/output` about its failure.
    """

    job: Plan
    log: Path
    checkpoints: Path | None
    exit_codes: list[int] = field(default_factory=list)
    seconds: float = 0.0
    timed_out: bool = False
    said: str = ""

    @property
    def failed(self) -> bool:
        """Whether a container failed, or none was started."""
        return self.timed_out or not self.exit_codes or any(self.exit_codes)


class Book:
    """Keeps the record of a run while something else decides what comes next.

    Parameters
    ----------
    ledger : Ledger
    definition : mapping
        The pipeline's definition, parsed.
    """

    def __init__(self, ledger: Ledger, definition: Mapping[str, Any]) -> None:
        self.ledger = ledger
        self.nodes = {node.name: node for node in ordered(definition)}
        self.scope = run_scope(
            ledger.run_dir.name, ledger.parameters, list(self.nodes.values()), ledger.store
        )
        self.work: Work
        self._clock = Clock.start()
        self._record = StepRecord("", "", "Succeeded")
        self._failure: tuple[str, str] | None = None

    def path(self, uri: str) -> Path:
        """Return where an address lies on disk."""
        return self.ledger.store.path(uri)

    def begin(self, step: str, kind: str) -> None:
        """Note that a step begins."""
        self._clock, self._record = Clock.start(), StepRecord(step, kind, "Succeeded")
        self.ledger.on_event(Event(step, "started"))

    def start_job(self, kind: str, arguments: Mapping[str, Any], name: str) -> Path:
        """Note what the job of this step is given, and return an empty folder for its disks."""
        step = self._record.name
        job = plan(step, kind, arguments, name)
        folder, log = self.ledger.folder(step), self.ledger.log(step)
        remove_tree(folder)
        folder.mkdir(parents=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        kept = self.ledger.run_dir / "checkpoints" / step if job.checkpoints else None
        self.work = Work(job, log, kept)
        self._record = replace(
            self._record,
            inputs=self.ledger.inputs(job),
            hyperparameters=dict(job.hyperparameters),
            log=f"logs/{step}.log",
        )
        return folder

    def keep(self, folder: Path, uri: str) -> None:
        """Keep what the job has left for an address: an output, or packed ones below it."""
        made = []
        for target in self.work.job.targets:
            if target.uri == uri:
                made.append(Made(target.name, folder, seal(folder)))
            elif target.packed and target.uri.rpartition("/")[0] == uri:
                archive = folder / target.uri.rpartition("/")[2]
                if _holds_something(archive):
                    made.append(Made(target.name, archive, seal(archive)))
        outputs = self.ledger.adopt(self.work.job, made)
        self._record = replace(self._record, outputs=self._record.outputs | outputs)

    def register(self, step: str, arguments: Mapping[str, Any]) -> str:
        """Put a candidate into the local registry and return its package's name."""
        self._record = self.ledger.register(step, arguments, self._record)
        return self._record.detail.partition(",")[0]

    def trace(self, step: str, arguments: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Write what a Lineage step records, and return what other steps may read of it."""
        traced = self.ledger.trace(step, arguments)
        self._record = replace(self._record, detail=said(traced))
        return lineage_properties(traced)

    def done(self, properties: Mapping[str, Any]) -> None:
        """Note that the step has ended well."""
        step = self._record.name
        if "Outcome" in properties:
            self.scope.properties[step] = dict(properties)
            said_why = say_failed(self.nodes[step].arguments["Conditions"], self.scope)
            self._record = replace(self._record, detail=said_why, held=bool(properties["Outcome"]))
        elif self._record.log:
            self.scope.properties[step] = job_properties(self.work.job)
        self._finish("Succeeded")
        for name in ("jobs", "checkpoints"):
            remove_tree(self.ledger.run_dir / name / step)

    def failed(self, why: str) -> None:
        """Note that the step has failed; a job's own words say more than local mode's."""
        self._fail(self._why_failed() if self._record.log and self.work.failed else why)

    def interrupted(self) -> None:
        """Note that the step was interrupted, and that the run ends with it."""
        self._fail(INTERRUPTED)
        self.close()

    def _fail(self, why: str) -> None:
        self._failure = (self._record.name, why)
        self._record = replace(self._record, detail=why)
        self._finish("Failed")

    def _why_failed(self) -> str:
        work = self.work
        code = next((each for each in work.exit_codes if each), None)
        return failure_words(work.job, work.said, work.log, code, timed_out=work.timed_out)

    def _finish(self, status: StepStatus) -> None:
        record = replace(self._record, status=status)
        if record.log:
            code = next((each for each in self.work.exit_codes if each), 0)
            record = replace(record, exit_code=code, job_seconds=self.work.seconds)
        self.ledger.note(self._clock.stamp(record))

    def close(self) -> Execution:
        """Note the steps that did not run, and how the run ended."""
        remove_tree(self.ledger.run_dir / "jobs")
        ran = {record.name for record in self.ledger.records}
        for node in self.nodes.values():
            if node.name not in ran:
                self.ledger.note(StepRecord(node.name, node.kind, "Skipped", detail=self._why_skipped(node)))
        if self._failure:
            return self.ledger.save("Failed", failed_step=self._failure[0], failure=self._failure[1])
        return self.ledger.save("Succeeded")

    def _why_skipped(self, node: Node) -> str:
        if node.branch:
            condition, way = node.branch
            if self.scope.properties.get(condition, {}).get("Outcome", way) != way:
                return f"{condition} went the other way"
        return f"{self._failure[0]} failed" if self._failure else "what it waits for was skipped"


def _holds_something(archive: Path) -> bool:
    with tarfile.open(archive) as packed:
        return any(member.isfile() for member in packed)
