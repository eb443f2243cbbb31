"""The `process` runner: a pipeline's definition, run on this machine with nothing but Python.

It reads the JSON that SageMaker Pipelines runs, and starts each job as a process of its own on a
private `/opt/ml` tree; `s3://` addresses are folders of the run. What it is given and leaves,
`pipelines.runners.base` says; and besides

    <workspace>/cache/                    outputs by content, shared by all runs
    <workspace>/<run>/jobs/<Step>/        the disk of a job that failed, kept to look at

A run that was killed goes on where it stopped when it is started again: what is finished is in the
cache. Steps run one after the other, in an order that depends on the definition alone. A step that fails
ends the run; but where it is of one item of a `ForEach`, only what depends on it is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from aws.jobs import sign
from boomerang.errors import BoomerangError, StepFailed
from boomerang.safeio import remove_tree
from pipelines.campaign.site import LOCAL_KEY
from pipelines.language.expressions import as_text, holds, parameter_values, resolve, say_failed
from pipelines.language.graph import JOBS, Node, ordered
from pipelines.language.job_plan import Plan, properties
from pipelines.registry.signatures import sign_package
from pipelines.runners.base import Order
from pipelines.runners.ledger import Ledger, OnEvent, Report, held_run
from pipelines.runners.process.cache_recipe import code_of_job, recipe
from pipelines.runners.process.disks import Result, perform
from pipelines.runners.process.processes import PROJECT, Host
from pipelines.runners.process.warmth import Hosts
from pipelines.runners.scope import job_plan, run_scope
from pipelines.runs.cache import Cache, Cost, Damaged, Entry, Recipe
from pipelines.runs.lineage import properties as lineage_properties
from pipelines.runs.lineage import said
from pipelines.runs.locking import JOBS_LOCK
from pipelines.runs.records import INTERRUPTED, Clock, Event, Execution, OutputRecord, StepRecord
from pipelines.runs.storage import Made


def run(order: Order) -> Execution:
    """Run what was ordered, see the contract."""
    return execute(
        order.built.definition,
        order.built.staged,
        workspace=order.workspace,
        run_id=order.run_id,
        config=order.config.model_dump(mode="json"),
        on_event=order.on_event,
        signing_key=order.signing_key,
        report=order.report,
        cache=order.cache,
        hosts=order.hosts,
    )


def execute(
    definition: Mapping[str, Any],
    staged: Mapping[str, Path | bytes],
    *,
    workspace: Path,
    run_id: str,
    parameters: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    on_event: OnEvent = lambda event: None,
    project: Path = PROJECT,
    warm: bool = sys.platform == "linux",
    signing_key: Path | None = None,
    report: Report | None = None,
    cache: Path | None = None,
    hosts: Hosts | None = None,
) -> Execution:
    """Run a pipeline from its first unfinished step to its end; see the contract for the rest.

    Parameters
    ----------
    definition : mapping
        The pipeline's definition, parsed.
    staged : mapping of address to Path or bytes
        What lies where before the first step: a file, a folder, or the content of a file.
    parameters : mapping, optional
        Values of pipeline parameters; the others have their defaults.
    config : mapping, optional
        The entry that the definition is of, as plain JSON.
    project : Path
        The folder that the steps' modules are imported from.
    warm : bool
        Start jobs that need Keras as forks of a process that has imported it.
    cache, hosts : Path and Hosts, optional
        See `Order`; hosts that are given are left open.

    Raises
    ------
    ConfigError, UsageError, BadInput
        As the contract says; BadInput if something staged is not there.
    """
    nodes, values = ordered(definition), parameter_values(definition.get("Parameters", []), parameters or {})
    given = nullcontext(hosts) if hosts else closing(Hosts(project, warm=warm))
    with held_run(workspace, run_id) as run_dir, given as starting:
        starting.lock(run_dir / JOBS_LOCK)
        ledger = Ledger(run_dir, values, on_event)
        ledger.prepare(definition, staged, config)
        run = _Run(nodes, ledger, starting, Cache(cache or run_dir.parent / "cache"), project, signing_key)
        run.cache.sweep()
        return ledger.close(run.all(), report, signing_key)


class _Run:
    """One execution while it goes on."""

    def __init__(
        self,
        nodes: list[Node],
        ledger: Ledger,
        hosts: Hosts,
        cache: Cache,
        project: Path,
        signing_key: Path | None,
    ) -> None:
        self.nodes, self.ledger, self.hosts, self.cache, self.project = nodes, ledger, hosts, cache, project
        self.signing_key = signing_key
        self.store = ledger.store
        self.scope = run_scope(ledger.run_dir.name, ledger.parameters, nodes, ledger.store)
        self.taken: dict[str, bool] = {}
        self.clock = Clock.start()

    def all(self) -> Execution:
        """Run every step, up to the first that fails; an interrupt at any time is written down."""
        try:
            return self._every()
        except KeyboardInterrupt:
            self._note_interrupt()
            raise

    def _every(self) -> Execution:
        ledger = self.ledger
        for position, node in enumerate(self.nodes):
            record = self._one(node, self.nodes[position + 1 :])
            ledger.note(record)
            if record.status == "Failed" and not node.body:
                for later in self.nodes[position + 1 :]:
                    ledger.note(StepRecord(later.name, later.kind, "Skipped", detail=f"{node.name} failed"))
                break
        failed = next((record for record in ledger.records if record.status == "Failed"), None)
        if failed is not None:
            return ledger.save("Failed", failed_step=failed.name, failure=failed.detail)
        return ledger.save("Succeeded")

    def _one(self, node: Node, ahead: Sequence[Node]) -> StepRecord:
        """Run one step to its record; what goes wrong in it is in the record too."""
        if why := self._why_skipped(node):
            return StepRecord(node.name, node.kind, "Skipped", detail=why)
        clock, record = Clock.start(), StepRecord(node.name, node.kind, "Succeeded")
        self.clock = clock
        try:
            if node.kind in JOBS:
                return clock.stamp(self._job(node, record, ahead, clock))
            self.ledger.on_event(Event(node.name, "started"))
            return clock.stamp(self._others[node.kind](node, record))
        except (BoomerangError, OSError) as error:
            return clock.stamp(replace(record, status="Failed", detail=str(error)))

    def _note_interrupt(self) -> None:
        """Write down that the first step without a record was interrupted."""
        ledger, why = self.ledger, INTERRUPTED
        noted = {record.name for record in ledger.records}
        node = next((node for node in self.nodes if node.name not in noted), None)
        if node is not None:
            stopped = StepRecord(node.name, node.kind, "Failed", detail=why)
            ledger.records.append(self.clock.stamp(stopped))
            ledger.save("Failed", failed_step=node.name, failure=why)

    @property
    def _others(self) -> Mapping[str, Callable[[Node, StepRecord], StepRecord]]:
        return {
            "Condition": self._condition,
            "Fail": self._fail,
            "RegisterModel": self._register,
            "Lineage": self._trace,
            "Model": self._model,
        }

    def _why_skipped(self, node: Node) -> str:
        ended = {record.name: record for record in self.ledger.records}
        for name in sorted(node.waits_for & set(ended)):
            if ended[name].status == "Failed":
                return f"{name} failed"
            if ended[name].status == "Skipped":
                left_out = ended[name].detail
                return left_out if left_out.endswith(" failed") else f"{name} was skipped"
        if node.branch and self.taken[node.branch[0]] != node.branch[1]:
            return f"{node.branch[0]} went the other way"
        return ""

    # --- jobs -----------------------------------------------------------------------------------

    def _job(self, node: Node, record: StepRecord, ahead: Sequence[Node], clock: Clock) -> StepRecord:
        job, ledger = job_plan(node, self.scope), self.ledger
        code = code_of_job(job, self.store, self.project)
        made_by = recipe(job, self.store, code)
        settings = dict(job.hyperparameters)
        record = replace(record, key=made_by.key, inputs=ledger.inputs(job), hyperparameters=settings)
        with self.cache.claim(made_by.key) if node.cacheable else nullcontext():
            entry = self.cache.find(made_by.key) if node.cacheable else None
            if isinstance(entry, Entry):
                return self._reuse(job, record, entry)
            return self._make(node, job, made_by, record, self.hosts.pick(job, code, ahead), clock, entry)

    def _make(
        self,
        node: Node,
        job: Plan,
        made_by: Recipe,
        record: StepRecord,
        host: Host,
        clock: Clock,
        damaged: Damaged | None,
    ) -> StepRecord:
        """Run a job of which the cache has nothing, and keep what it made."""
        ledger = self.ledger
        ledger.on_event(Event(node.name, "started"))
        record = replace(record, log=f"logs/{node.name}.log")
        result = self._perform(job, made_by.key, host)
        if ended := result.outcome:
            record = replace(record, exit_code=ended.exit_code, job_seconds=ended.seconds)
            record = replace(record, cpu_seconds=ended.cpu_seconds, peak_bytes=ended.peak_bytes)
        if result.failure:
            why = f"{result.failure}\n  its disk is kept in {ledger.folder(node.name)}"
            return replace(record, status="Failed", detail=why)
        if node.cacheable:
            cost = Cost(clock.seconds, record.cpu_seconds, record.peak_bytes)
            self.cache.keep(made_by, result.made, run=ledger.run_dir.name, cost=cost)
        record = replace(record, outputs=self._adopt(job, result.made))
        remove_tree(ledger.folder(node.name))
        return replace(record, detail=f"its cache entry was damaged: {damaged.why}" if damaged else "")

    def _perform(self, job: Plan, key: str, host: Host) -> Result:
        """Run a job; a training goes on from the checkpoint that an earlier try has left."""
        folder, log = self.ledger.folder(job.step), self.ledger.log(job.step)
        if not job.checkpoints:
            return perform(job, self.store, host, folder, log, more=self._secrets(job))
        with self.cache.checkpoints(key) as kept:
            result = perform(job, self.store, host, folder, log, kept)
            if not result.failure:
                remove_tree(kept)
        return result

    def _secrets(self, job: Plan) -> dict[str, str]:
        """Return where the signing key is, for a job that signs with one of this machine."""
        signs = job.environment.get(sign.KEY) == LOCAL_KEY and self.signing_key is not None
        return {sign.KEY_FILE: str(self.signing_key)} if signs else {}

    def _reuse(self, job: Plan, record: StepRecord, entry: Entry) -> StepRecord:
        return replace(
            record,
            outputs=self._adopt(job, entry.made),
            cached=True,
            cached_from=entry.run,
            cached_seconds=entry.cost.seconds,
            cpu_seconds=entry.cost.cpu_seconds,
            peak_bytes=entry.cost.peak_bytes,
        )

    def _adopt(self, job: Plan, made: Sequence[Made]) -> dict[str, OutputRecord]:
        """Put a job's outputs at their addresses and let later steps refer to them."""
        self.scope.properties[job.step] = properties(job)
        return self.ledger.adopt(job, made)

    # --- the other steps ------------------------------------------------------------------------

    def _condition(self, node: Node, record: StepRecord) -> StepRecord:
        """Take the branch; the record names every condition that did not hold."""
        conditions = node.arguments["Conditions"]
        passed = all(holds(each, self.scope) for each in conditions)
        self.taken[node.name] = passed
        self.scope.properties[node.name] = {"Outcome": passed}
        return replace(record, detail=say_failed(conditions, self.scope), held=passed)

    def _fail(self, node: Node, _: StepRecord) -> StepRecord:
        raise StepFailed(as_text(resolve(node.arguments.get("ErrorMessage", ""), self.scope)))

    def _model(self, node: Node, record: StepRecord) -> StepRecord:
        resolve(node.arguments, self.scope)  # nothing is deployed here; what it refers to has to be there
        self.scope.properties[node.name] = {"ModelName": f"{self.ledger.run_dir.name}-{node.name}"}
        return record

    def _register(self, node: Node, record: StepRecord) -> StepRecord:
        record = self.ledger.register(node.name, resolve(node.arguments, self.scope), record)
        name = record.detail.partition(",")[0]
        self.scope.properties[node.name] = {"ModelPackageArn": name}
        if self.signing_key is not None:
            group, _, version = name.rpartition("/")
            sign_package(self.ledger.registry.package(group, int(version)), self.signing_key)
        return record

    def _trace(self, node: Node, record: StepRecord) -> StepRecord:
        traced = self.ledger.trace(node.name, resolve(node.arguments, self.scope))
        self.scope.properties[node.name] = lineage_properties(traced)
        return replace(record, detail=said(traced))
