"""The `process` runner: a pipeline's definition, run on this machine with nothing but Python.

It reads the JSON that SageMaker Pipelines runs, and starts each job as a process of its own on a
private `/opt/ml` tree; `s3://` addresses are folders of the run. What it leaves:

    <workspace>/cache/                    outputs by content, shared by all runs
    <workspace>/registry/                 the model registry
    <workspace>/<run>/definition.json
                      execution.json      the record, rewritten after each step
                      logs/<Step>.log
                      s3/<bucket>/<key>   what the jobs wrote
                      jobs/<Step>/        the disk of a job that failed, kept to look at

A run that was killed goes on where it stopped when it is started again: what is finished is in the
cache. Steps run one after the other, in an order that depends on the definition alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from boomerang.errors import BoomerangError, StepFailed, UsageError
from boomerang.safeio import write_json_atomic
from pipelines import lineage
from pipelines.cache import Cache, Entry, recipe
from pipelines.explain import CacheWord, explain_cache
from pipelines.expressions import as_text, holds, parameter_values, resolve, say
from pipelines.graph import JOBS, Node, ordered
from pipelines.jobs import Made, perform
from pipelines.locking import locked
from pipelines.plans import Plan, properties
from pipelines.processes import PROJECT
from pipelines.records import (
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
from pipelines.registry import Registry
from pipelines.scope import job_plan, run_scope
from pipelines.sources import code_of
from pipelines.storage import Store, remove_tree
from pipelines.verify import Problem, verify
from pipelines.warmth import Hosts

__all__ = [
    "CacheWord",
    "Event",
    "Execution",
    "OutputRecord",
    "Problem",
    "StepRecord",
    "execute",
    "explain_cache",
    "load_execution",
    "verify",
]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_RESERVED = ("cache", "registry")
_EVENTS: Mapping[str, EventKind] = {"Succeeded": "succeeded", "Failed": "failed", "Skipped": "skipped"}

OnEvent = Callable[[Event], None]


def execute(
    definition: Mapping[str, Any],
    staged: Mapping[str, Path | bytes],
    *,
    workspace: Path,
    run_id: str,
    parameters: Mapping[str, Any] | None = None,
    on_event: OnEvent = lambda event: None,
    project: Path = PROJECT,
    warm: bool = sys.platform == "linux",
) -> Execution:
    """Run a pipeline from its first unfinished step to its end.

    Parameters
    ----------
    definition : mapping
        The pipeline's definition, parsed.
    staged : mapping of address to Path or bytes
        What lies where before the first step: a file, a folder, or the content of a file.
    workspace : Path
        Holds the runs, the cache and the registry.
    run_id : str
        Name of the run; one that exists is run again, and what is unchanged is reused.
    parameters : mapping, optional
        Values of pipeline parameters; the others have their defaults.
    on_event : callable
        Told of each step's start and end.
    project : Path
        The folder that the steps' modules are imported from.
    warm : bool
        Start jobs that need Keras as forks of a process that has imported it.

    Returns
    -------
    Execution
        Also where a step failed: its `status` says so.

    Raises
    ------
    ConfigError
        If the definition cannot be run, before the first step.
    UsageError
        If another process is working on this run, or its name cannot be one.
    BadInput
        If something staged is not there.
    """
    nodes = ordered(definition)
    values = parameter_values(definition.get("Parameters", []), parameters or {})
    if not _RUN_ID.fullmatch(run_id) or run_id in _RESERVED:
        raise UsageError(
            f"run '{run_id}'", "that is no name of a run", "use letters, digits, '-', '_' and '.'"
        )
    run_dir = workspace.resolve() / run_id
    hosts = Hosts(project, warm=warm)
    with locked(run_dir / ".lock", wait=False, what=f"run {run_id}"), closing(hosts):
        run = _Run(nodes, run_dir, values, hosts, on_event, project)
        run.prepare(definition, staged)
        return run.all()


@dataclass
class _Run:
    """One execution while it goes on."""

    nodes: list[Node]
    run_dir: Path
    parameters: dict[str, Any]
    hosts: Hosts
    on_event: OnEvent
    project: Path
    records: list[StepRecord] = field(default_factory=list)
    taken: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock.start()
        self.store = Store(self.run_dir / "s3")
        self.cache = Cache(self.run_dir.parent / "cache")
        self.registry = Registry(self.run_dir.parent / "registry")
        self.scope = run_scope(self.run_dir.name, self.parameters, self.nodes, self.store)

    def prepare(self, definition: Mapping[str, Any], staged: Mapping[str, Path | bytes]) -> None:
        """Clear what an earlier try has left and put the staged files where the steps look for them."""
        for name in ("s3", "jobs", "logs"):
            remove_tree(self.run_dir / name)
        self.cache.sweep()
        write_json_atomic(self.run_dir / "definition.json", definition)
        self._save("Running")
        for uri, source in staged.items():
            self.store.stage(uri, source)

    def all(self) -> Execution:
        """Run every step, up to the first that fails."""
        for position, node in enumerate(self.nodes):
            record = self._one(node, self.nodes[position + 1 :])
            self._note(record)
            if record.status == "Failed":
                for later in self.nodes[position + 1 :]:
                    self._note(StepRecord(later.name, later.kind, "Skipped", detail=f"{node.name} failed"))
                return self._save("Failed", failed_step=node.name, failure=record.detail)
        return self._save("Succeeded")

    def _one(self, node: Node, ahead: Sequence[Node]) -> StepRecord:
        """Run one step to its record; what goes wrong in it is in the record too."""
        if why := self._why_skipped(node):
            return StepRecord(node.name, node.kind, "Skipped", detail=why)
        clock, record = Clock.start(), StepRecord(node.name, node.kind, "Succeeded")
        try:
            if node.kind in JOBS:
                return clock.stamp(self._job(node, record, ahead, clock))
            self.on_event(Event(node.name, "started"))
            return clock.stamp(self._others[node.kind](node, record))
        except (BoomerangError, OSError) as error:
            return clock.stamp(replace(record, status="Failed", detail=str(error)))
        except KeyboardInterrupt:
            self.records.append(clock.stamp(replace(record, status="Failed", detail="it was interrupted")))
            self._save("Failed", failed_step=node.name, failure="it was interrupted")
            raise

    @property
    def _others(self) -> Mapping[str, Callable[[Node, StepRecord], StepRecord]]:
        return {
            "Condition": self._condition,
            "Fail": self._fail,
            "RegisterModel": self._register,
            "Model": self._model,
        }

    def _note(self, record: StepRecord) -> None:
        self.records.append(record)
        self._save("Running")
        kind: EventKind = "cached" if record.cached else _EVENTS[record.status]
        seconds = record.cached_seconds if record.cached else record.seconds
        self.on_event(Event(record.name, kind, seconds, record.detail))

    def _save(self, status: Status, *, failed_step: str | None = None, failure: str = "") -> Execution:
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

    def _why_skipped(self, node: Node) -> str:
        skipped = {record.name for record in self.records if record.status == "Skipped"}
        if before := sorted(node.waits_for & skipped):
            return f"{before[0]} was skipped"
        if node.branch and self.taken[node.branch[0]] != node.branch[1]:
            return f"{node.branch[0]} went the other way"
        return ""

    # --- jobs -----------------------------------------------------------------------------------

    def _job(self, node: Node, record: StepRecord, ahead: Sequence[Node], clock: Clock) -> StepRecord:
        job = job_plan(node, self.scope)
        code = code_of(job.module, self.project)
        made_by = recipe(job, self.store, code)
        record = replace(record, key=made_by.key, inputs=self._inputs(job))
        entry = self.cache.find(made_by.key) if node.cacheable else None
        if isinstance(entry, Entry):
            return self._reuse(job, record, entry)
        self.on_event(Event(node.name, "started"))
        record = replace(record, log=f"logs/{node.name}.log")
        folder, log = self.run_dir / "jobs" / node.name, self.run_dir / "logs" / f"{node.name}.log"
        result = perform(job, self.store, self.hosts.pick(job, code, ahead), folder, log)
        record = replace(record, exit_code=result.exit_code)
        if result.failure:
            why = f"{result.failure}\n  its disk is kept in {folder}"
            return replace(record, status="Failed", detail=why)
        if node.cacheable:
            self.cache.keep(made_by, result.made, run=self.run_dir.name, seconds=clock.seconds)
        record = replace(record, outputs=self._adopt(job, result.made))
        remove_tree(folder)
        return replace(record, detail=f"its cache entry was damaged: {entry.why}" if entry else "")

    def _reuse(self, job: Plan, record: StepRecord, entry: Entry) -> StepRecord:
        return replace(
            record,
            outputs=self._adopt(job, entry.made),
            cached=True,
            cached_from=entry.run,
            cached_seconds=entry.seconds,
        )

    def _inputs(self, job: Plan) -> dict[str, dict[str, str]]:
        return {s.name: {"uri": s.uri, "digest": self.store.digest(s.uri)} for s in job.sources}

    def _adopt(self, job: Plan, made: Sequence[Made]) -> dict[str, OutputRecord]:
        """Put a job's outputs at their addresses and let later steps refer to them."""
        records = {}
        for output in made:
            target = job.target(output.name)
            self.store.adopt(target.uri, output.path, output.files)
            records[output.name] = output_record(output, target, self.store.path(target.uri), self.run_dir)
        self.scope.properties[job.step] = properties(job)
        return records

    # --- the other steps ------------------------------------------------------------------------

    def _condition(self, node: Node, record: StepRecord) -> StepRecord:
        """Evaluate every condition, so that the record names all that did not hold."""
        conditions = node.arguments["Conditions"]
        failed = [say(each, self.scope) for each in conditions if not holds(each, self.scope)]
        self.taken[node.name] = not failed
        self.scope.properties[node.name] = {"Outcome": not failed}
        return replace(record, detail="; ".join(failed) or "all conditions hold")

    def _fail(self, node: Node, _: StepRecord) -> StepRecord:
        raise StepFailed(as_text(resolve(node.arguments.get("ErrorMessage", ""), self.scope)))

    def _model(self, node: Node, record: StepRecord) -> StepRecord:
        resolve(node.arguments, self.scope)  # nothing is deployed here; what it refers to has to be there
        self.scope.properties[node.name] = {"ModelName": f"{self.run_dir.name}-{node.name}"}
        return record

    def _register(self, node: Node, record: StepRecord) -> StepRecord:
        arguments = resolve(node.arguments, self.scope)
        try:
            group = arguments["ModelPackageGroupName"]
            model = arguments["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        except (KeyError, IndexError) as error:
            raise StepFailed(f"step {node.name}", f"its arguments lack {error}") from None
        quality = arguments.get("ModelMetrics", {}).get("ModelQuality", {})
        metrics = quality.get("Statistics", {}).get("S3Uri")
        package = self.registry.register(
            group,
            self.store.path(model),
            status=arguments.get("ModelApprovalStatus", "PendingManualApproval"),
            run=self.run_dir.name,
            step=node.name,
            metrics=self.store.path(metrics) if metrics else None,
            facts=lineage.facts(model, metrics, self.records, self.run_dir)
            | {"metadata": arguments.get("CustomerMetadataProperties", {})},
        )
        self.scope.properties[node.name] = {"ModelPackageArn": package.name}
        return replace(record, detail=f"{package.name}, {package.status}")
