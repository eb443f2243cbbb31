"""The canary on this machine: the newest Approved package of the local registry, asked and kept in a history.

    <workspace>/metrics.jsonl            what every canary measured, see `boomerang.watching.history`
    <workspace>/.canary/<group>/         the last canary of a group: its log and metrics.json, and its disk
                                         if it failed

`pipelines.watching.watched_package` finds the package and what its canary needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from boomerang.digest import canonical_json
from boomerang.errors import BoomerangError, IntegrityError, StepFailed
from boomerang.formats.canary import CanaryMetrics, open_canary
from boomerang.formats.model import ARCHIVE
from boomerang.metrics import METRICS_FILE
from boomerang.safeio import remove_tree
from boomerang.signing import PublicKey
from boomerang.watching.history import append_history
from pipelines.language.job_plan import Plan, Source, Target
from pipelines.registry.local import Package
from pipelines.runners.process.disks import Result, perform
from pipelines.runners.process.processes import Host
from pipelines.runs.locking import locked
from pipelines.runs.storage import Store
from pipelines.watching.watched_package import Watched, find

HISTORY = "metrics.jsonl"
DISKS = ".canary"

_TIMEOUT_S = 3600
_ADDRESS = "s3://canary"


def run_canary(workspace: Path, group: str, keys: Sequence[PublicKey] = ()) -> tuple[CanaryMetrics, str]:
    """Run the canary on the newest Approved package of a group, and add its data to the history.

    With keys, the package is opened only if it and its approval were signed with one of them.

    Returns
    -------
    CanaryMetrics
        The step's `metrics.json`.
    str
        What a person should know besides, or empty.

    Raises
    ------
    BadInput
        If no package is Approved, or it was registered without what a canary needs.
    IntegrityError
        If the package, the model or the records are not what was registered.
    StepFailed
        If the canary could not run; nothing is added to the history then.
    """
    watched = find(workspace, group, keys)
    folder = workspace.resolve() / DISKS / group
    with locked(workspace / DISKS / f"{group}.lock", wait=True, what=f"the canary of {group}"):
        output = _perform(watched, folder)
        metrics, data = open_canary(output)
        with locked(workspace / DISKS / "history.lock", wait=True, what=HISTORY):
            aside = append_history(workspace / HISTORY, data)
        shutil.copyfile(output / METRICS_FILE, folder / METRICS_FILE)
        remove_tree(folder / "disk")
    return metrics, f"an unfinished line of {HISTORY} was moved to {aside}" if aside else ""


def reaches(metrics: CanaryMetrics, floor: float) -> bool:
    """Whether the canary accuracy is at least the floor; CloudWatch's alarm counts less as a bad point."""
    return metrics.balanced >= floor


def show_canary(metrics: CanaryMetrics, floor: float, note: str) -> None:
    """Print what a canary measured, and whether its accuracy reaches the floor."""
    from rich.markup import escape
    from rich.table import Table

    from pipelines.page.terminal import open_console
    from pipelines.report.summary import say_rate

    table = Table(title=f"canary of {metrics.group}/{metrics.version}", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right")
    table.add_column("registered", justify="right")
    table.add_row("canary accuracy", f"{metrics.balanced:.1%}", f"{metrics.baseline:.1%}")
    table.add_row("canaries right", say_rate(metrics.accuracy), "")
    for name, rate in metrics.groups.items():
        table.add_row(escape(f"  {name}"), say_rate(rate), "")
    for name, rate in metrics.attacks.items():
        known = metrics.registered.get(name)
        table.add_row(escape(f"ASR of {name}"), say_rate(rate), "" if known is None else f"{known:.1%}")
    console = open_console()
    console.print(table)
    for miss in metrics.misses:
        console.print(f"{miss.id}: {miss.got}, not {miss.expected}", markup=False)
    for name, why in metrics.not_measured.items():
        console.print(f"attack {name} was not measured: {why}", markup=False)
    if note:
        console.print(note, markup=False, soft_wrap=True)
    console.print(
        f"[green]It reaches the floor of {floor:.1%}.[/]"
        if reaches(metrics, floor)
        else f"[bold red]It is below the floor of {floor:.1%}.[/]"
    )


def _perform(watched: Watched, folder: Path) -> Path:
    """Run the step as a job of its own, and return its output."""
    remove_tree(folder)
    store = Store(folder / "disk" / "s3")
    sources = tuple(_stage(store, name, source) for name, source in _given(watched))
    job = Plan(
        step="Canary",
        training=False,
        command=("python", "-m", "processing.canary"),
        environment={},
        hyperparameters={},
        sources=sources,
        targets=(Target("metrics", f"{_ADDRESS}/metrics", "processing/output/metrics"),),
        timeout_s=_TIMEOUT_S,
    )
    with closing(Host()) as host:
        result = perform(job, store, host, folder / "disk" / "job", folder / "canary.log")
    if result.failure:
        raise _failure(watched.package, result, folder / "canary.log")
    return result.made[0].path


def _given(watched: Watched) -> Iterator[tuple[str, Path | bytes]]:
    yield "config", canonical_json(watched.settings.model_dump(mode="json"))
    yield from watched.inputs.items()


def _stage(store: Store, name: str, source: Path | bytes) -> Source:
    """Copy an input to an address of the job's own; what the run has kept is not touched."""
    uri = f"{_ADDRESS}/{name}"
    if isinstance(source, bytes):
        store.stage(f"{uri}/config.json", source)
        store.folders.add(uri)
    elif name == "model":
        store.stage(f"{uri}/{ARCHIVE}", source / ARCHIVE)
        store.folders.add(uri)
    else:
        store.stage(uri, source)
    return Source(name, uri, f"processing/input/{name}")


def _failure(package: Package, result: Result, log: Path) -> BoomerangError:
    code = result.outcome.exit_code if result.outcome else None
    kind = IntegrityError if code == IntegrityError.exit_code else StepFailed
    return kind(f"the canary of {package.name} could not run", result.failure, f"its log: {log}")
