"""Reads a workspace into data points: what its canaries published, and what would have been of its runs.

What the canary measures of an approved model, Evaluate has measured of every candidate: a run's numbers
stand at the time at which it ended. Their registered baseline is the clean model of the same run, so that
runs on different data can stand side by side. A folder that cannot be read, and a run that did not
finish, is a `Remark`: it is said on the page, and never left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aws.alarms.alarm import Metric
from aws.dashboard.body import PIPELINES
from boomerang.errors import BadInput, BoomerangError
from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.formats.evaluation import Gallery, read_gallery, read_metrics
from boomerang.metrics import Metrics
from boomerang.safeio import safe_join
from boomerang.watching.briefing import alarmed
from boomerang.watching.history import from_line, history_bytes
from boomerang.watching.metric_names import GROUP, NAMESPACE, VERSION, Datum, part
from pipelines.campaign.entry import EVALUATE
from pipelines.campaign.site import LOCAL
from pipelines.page.gate_table import reasons, why_no_rate
from pipelines.registry.local import Package, Registry
from pipelines.runs.records import EXECUTION, Execution, load_execution

REGISTRY = "registry"
CANARIES = "metrics.jsonl"
CANARY = "canary"
_NO_RUNS = ("cache", REGISTRY)


@dataclass(frozen=True)
class Sample:
    """One value at one time, with the run that it is of; `canary` stands for a canary."""

    time: datetime
    value: float
    run: str


@dataclass(frozen=True)
class Remark:
    """Something of the workspace that is not drawn, or not wholly, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class FinishedRun:
    """A run whose models were measured.

    Attributes
    ----------
    run_id : str
    ended : datetime
    package : Package or None
        What it registered.
    rejected : tuple of str
        Why the gate rejected its candidate; empty if it passed.
    data : tuple of Datum
        What would have been published of it.
    seconds : float
    steps : tuple of (str, float)
        Each step that ran, with its seconds; those from the cache took none.
    """

    run_id: str
    ended: datetime
    package: Package | None
    rejected: tuple[str, ...]
    data: tuple[Datum, ...]
    seconds: float
    steps: tuple[tuple[str, float], ...]

    @property
    def group(self) -> str:
        """The group that it belongs to."""
        return self.package.group if self.package else LOCAL.package_group


@dataclass(frozen=True)
class History:
    """What there is to draw of one group.

    Attributes
    ----------
    group : str
    runs : tuple of FinishedRun
        Of that group, the oldest first.
    canaries : tuple of Datum
        What the canaries of that group published.
    remarks : tuple of Remark
    newest : Package or None
    others : tuple of str
        The workspace's other groups that have runs.
    """

    group: str
    runs: tuple[FinishedRun, ...]
    canaries: tuple[Datum, ...]
    remarks: tuple[Remark, ...]
    newest: Package | None
    others: tuple[str, ...]

    @property
    def judged(self) -> tuple[Datum, ...]:
        """The data that the alarms look at.

        In an account canaries alone publish, so a candidate that the gate rejects raises no alarm. Where
        no canary ran yet, the runs stand in for them.
        """
        return self.canaries or tuple(datum for run in self.runs for datum in run.data)

    @property
    def canaries_ran(self) -> int:
        """How many canaries there were."""
        return len({datum.time for datum in self.canaries})

    def samples(self, pipeline: str) -> dict[Metric, list[Sample]]:
        """Return every data point by its metric, the durations under the name of a pipeline included.

        Where canaries measure the same, the candidates of the runs are drawn by version alone: in the
        group's own line they would stand between two canaries of another model.
        """
        samples: dict[Metric, list[Sample]] = {}
        asked = {datum.name for datum in self.canaries}
        for run in self.runs:
            for metric, value in _published(run, pipeline):
                if metric.name in asked and VERSION not in dict(metric.dimensions):
                    continue
                samples.setdefault(metric, []).append(Sample(run.ended, value, run.run_id))
        for datum in self.canaries:
            metric = Metric(NAMESPACE, datum.name, datum.dimensions)
            samples.setdefault(metric, []).append(Sample(datum.time, datum.value, CANARY))
        return {metric: sorted(found, key=lambda s: (s.time, s.run)) for metric, found in samples.items()}


def _published(run: FinishedRun, pipeline: str) -> Iterator[tuple[Metric, float]]:
    for datum in run.data:
        yield Metric(NAMESPACE, datum.name, datum.dimensions), datum.value
    name = ("PipelineName", pipeline)
    yield Metric(PIPELINES, "ExecutionDuration", (name,)), run.seconds * 1_000
    for step, seconds in run.steps:
        yield Metric(PIPELINES, "StepDuration", (name, ("StepName", step))), seconds * 1_000


def metric_history(workspace: Path, *, group: str | None = None) -> History:
    """Read every run below a workspace.

    Parameters
    ----------
    workspace : Path
        Holds `<run>/execution.json`, the registry and `metrics.jsonl`; none of them need be there.
    group : str, optional
        The group to show; that of the newest run or canary where it is not given.
    """
    remarks: list[Remark] = []
    packages = list(_packages(Registry(workspace / REGISTRY), remarks))
    made_by = {str(package.facts.get("run")): package for package in packages}
    runs = [run for folder in _run_folders(workspace) if (run := _read(folder, made_by, remarks))]
    runs.sort(key=lambda run: (run.ended, run.run_id))
    canaries = sorted(_canaries(workspace / CANARIES, remarks), key=lambda datum: datum.time)
    times = [*((run.ended, run.group) for run in runs), *((d.time, _group(d)) for d in canaries)]
    shown = group or max(times, default=(None, LOCAL.package_group))[1]
    return History(
        group=shown,
        runs=tuple(run for run in runs if run.group == shown),
        canaries=tuple(datum for datum in canaries if _group(datum) == shown),
        remarks=tuple(remarks),
        newest=max((p for p in packages if p.group == shown), key=lambda p: p.version, default=None),
        others=tuple(sorted({name for _, name in times} - {shown})),
    )


def _group(datum: Datum) -> str:
    return dict(datum.dimensions)[GROUP]


def _canaries(file: Path, remarks: list[Remark]) -> Iterator[Datum]:
    """Yield the data of every canary; a line that is none is left out with a remark."""
    try:
        lines = history_bytes(file).splitlines()
    except BoomerangError as error:
        remarks.append(Remark(file.name, _in_a_line(error)))
        return
    for number, line in enumerate(lines, 1):
        try:
            datum = from_line(line)
            _check_drawable(datum)
            yield datum
        except (BoomerangError, ValueError, RecursionError, OverflowError) as error:
            remarks.append(Remark(f"{file.name}, line {number}", f"it is no datum: {_in_a_line(error)}"))


def _run_folders(workspace: Path) -> list[Path]:
    folders = (path.parent for path in workspace.glob(f"*/{EXECUTION}"))
    return sorted(folder for folder in folders if folder.name not in _NO_RUNS)


def _packages(registry: Registry, remarks: list[Remark]) -> Iterator[Package]:
    for folder in sorted(registry.root.glob("*/[0-9]*")):
        name = f"package {folder.parent.name}/{folder.name}"
        try:
            package = registry.package(folder.parent.name, int(folder.name))
            # A malformed history would come to light only where its last entry is asked for.
            _ = package.status, package.facts.get("run")
        except (
            BoomerangError,
            OSError,
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
        ) as error:
            remarks.append(Remark(name, _in_a_line(error)))
        else:
            yield package


def _read(folder: Path, made_by: dict[str, Package], remarks: list[Remark]) -> FinishedRun | None:
    """Return a run, or None with a remark of why there is nothing to draw of it."""
    try:
        execution = load_execution(folder)
        unfinished = _unfinished(execution)
        if not unfinished:
            return _finished(execution, made_by.get(folder.name), remarks)
        remarks.append(Remark(folder.name, unfinished))
    except (BoomerangError, OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        # A record of the right form may still hold a list where a number belongs.
        remarks.append(Remark(folder.name, f"it cannot be read: {_in_a_line(error)}"))
    return None


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _unfinished(execution: Execution) -> str:
    """Return why a run has no numbers; empty if it has."""
    if execution.status not in ("Succeeded", "Failed"):
        return "it has not ended: it is still running, or was stopped"
    if not execution.has(EVALUATE, EVALUATION):
        return f"it stopped at {execution.failed_step or 'an unknown step'}, before its models were measured"
    return ""


def _finished(execution: Execution, package: Package | None, remarks: list[Remark]) -> FinishedRun:
    folder = safe_join(execution.run_dir, execution.step(EVALUATE).outputs[EVALUATION].path)
    metrics, gallery = read_metrics(folder), read_gallery(folder)
    run_id, ended = execution.run_dir.name, _time(execution.ended)
    group = package.group if package else LOCAL.package_group
    version = str(package.version) if package else ""
    data = list(_whole(metrics, ended, group, version))
    for datum in data:
        _check_drawable(datum)
    for key, word, value in (*_by_trigger(metrics), *_by_class(metrics.candidate, gallery)):
        try:
            data.append(part(key, value, ended, group=group, **word))
        except BoomerangError as error:
            remarks.append(Remark(run_id, f"one of its numbers cannot be published: {_in_a_line(error)}"))
    steps = [(step.name, _seconds(step.seconds)) for step in execution.steps if step.type in _JOBS]
    candidate = metrics.models[metrics.candidate]
    if missing := [a.name for a in candidate.attacks if why_no_rate(a)]:
        remarks.append(Remark(run_id, f"not measured: the success rate of {', '.join(missing)}"))
    rejected = () if candidate.verdict.passed else tuple(reasons(candidate)) or ("no reason is given",)
    seconds = _seconds(execution.seconds)
    return FinishedRun(run_id, ended, package, rejected, tuple(data), seconds, tuple(steps))


_JOBS = ("Processing", "Training")


# What a page can draw: dates that a clock may have shown, and numbers that still differ by one.
_YEARS, _MOST, _MOST_S = range(2000, 3000), 2.0**53, 10 * 366 * 86_400.0


def _check_drawable(datum: Datum) -> None:
    if datum.time.year not in _YEARS or abs(datum.value) > _MOST:
        raise ValueError(f"{datum.value:g} at {datum.time.isoformat()} cannot be drawn")


def _seconds(value: float) -> float:
    if not 0 <= float(value) <= _MOST_S:
        raise BadInput(EXECUTION, f"{value!r} is no duration", "run again")
    return float(value)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(EXECUTION, f"its end, {text!r}, is no time", "run again") from None
    if time.year not in _YEARS:
        raise BadInput(EXECUTION, f"its end, {text!r}, is no time of a run", "run again")
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _whole(metrics: Metrics, time: datetime, group: str, version: str) -> Iterable[Datum]:
    """Yield the numbers of the candidate as a whole; one that was not measured is not published.

    `CanaryRan` is none of them: a run stands in for what a canary measures, and is no canary.
    """
    candidate, baseline = metrics.models[metrics.candidate], metrics.models["baseline"]
    right, registered = candidate.canaries.right.value, baseline.canaries.right.value
    clean = {attack.name: rate.value for attack in baseline.attacks if (rate := attack.registered_asr)}
    rates = [
        alarmed(attack.outcome, rate.value, clean.get(attack.name))
        for attack in candidate.attacks
        if (rate := attack.registered_asr) and rate.value is not None
    ]
    values = {
        "CleanAccuracy": candidate.clean_accuracy.value,
        "CanaryAccuracy": right,
        "AccuracyDrop": None if right is None or registered is None else registered - right,
        "AttackSuccessRate": max(rates, default=None),
        "FlaggedRows": float(metrics.screen.flagged),
        "CertifiedRows": float(metrics.canaries.safe_from) if metrics.canaries.certificates else None,
    }
    for name, value in values.items():
        if value is not None:
            yield Datum(name, value, time, ((GROUP, group),))
            if version:
                yield Datum(name, value, time, ((GROUP, group), (VERSION, version)))


Part = tuple[str, dict[str, str], float]


def _by_trigger(metrics: Metrics) -> Iterator[Part]:
    for attack in metrics.models[metrics.candidate].attacks:
        if (rate := attack.registered_asr) and rate.value is not None:
            yield "AttackSuccessRate", {"trigger": attack.name}, rate.value


def _by_class(candidate: str, gallery: Gallery) -> Iterator[Part]:
    """Yield the share of right answers among the canaries of each class; the gallery holds all of them."""
    right: dict[str, list[bool]] = {}
    for item in (item for group in gallery.groups if group.kind == "canaries" for item in group.items):
        if item.right is not None and candidate in item.calls:
            right.setdefault(item.right, []).append(item.calls[candidate] == item.right)
    for name, answers in right.items():
        yield "CanaryAccuracy", {"class_": name}, sum(answers) / len(answers)
