"""A campaign's matrix, made of what its runs have left."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from boomerang.errors import BoomerangError
from boomerang.safeio import load_json
from pipelines.matrix.cells import Cell, cells_of, columns_of, rows_of
from pipelines.matrix.document import Cell as CellNumbers
from pipelines.matrix.document import Matrix, RunCard, RunStatus, Status
from pipelines.matrix.entries import Campaign
from pipelines.matrix.gathering.card import pictures_of, thresholds_of
from pipelines.matrix.gathering.measured import Measured, read_measured
from pipelines.matrix.gathering.over_seeds import hatched, numbers_of, unreliable
from pipelines.matrix.quantities import QUANTITIES
from pipelines.runs.records import CONFIG, EXECUTION, INTERRUPTED, PAGE, Execution, load_execution, now

_OTHER = "it was run with other settings: run it again"


def assemble(campaign: Campaign, folder: Path, failures: Mapping[str, str], command: str) -> Matrix:
    """Return the matrix of a campaign, of the runs in its folder.

    Parameters
    ----------
    campaign : Campaign
    folder : Path
    failures : mapping of str to str
        Why a cell failed that left no record of it, by its id.
    command : str
        What runs the campaign, for the command that runs one cell of it.
    """
    pairs = groupby(cells_of(campaign), key=lambda each: (each.row.id, each.column.id))
    cells, versions = [], dict[str, str]()
    for _, group in pairs:
        seeds = list(group)
        runs = [_Run(cell, folder, failures.get(cell.id, "")) for cell in seeds]
        cells.append(_cell(runs, command))
        for run in runs:
            versions |= run.measured.evaluation.versions if run.measured else {}
    return Matrix(
        name=campaign.name,
        title=campaign.title or campaign.name,
        words=campaign.words,
        seeds=campaign.seeds,
        quantities=QUANTITIES,
        rows=rows_of(campaign),
        columns=columns_of(campaign),
        cells=tuple(cells),
        versions=versions,
        machine=_machine(),
        made=now(),
    )


class _Run:
    """One run as it is found: measured, or why not."""

    def __init__(self, cell: Cell, folder: Path, failure: str) -> None:
        self.cell = cell
        self.execution: Execution | None = None
        self.measured: Measured | None = None
        self.status: Status = "waiting"
        self.why = ""
        if cell.excluded:
            self.status, self.why = "excluded", cell.excluded
            return
        try:
            config = cell.config().model_dump(mode="json")
        except BoomerangError as error:
            self.status, self.why = "refused", str(error)
            return
        try:
            self._read(folder / cell.id, config, failure)
        except (BoomerangError, OSError) as error:
            self.status, self.why = "failed", str(error)

    def _read(self, run_dir: Path, config: object, failure: str) -> None:
        if failure:
            self.status, self.why = "failed", failure
        elif not (run_dir / EXECUTION).is_file():
            return
        elif not (run_dir / CONFIG).is_file() or load_json(run_dir / CONFIG) != config:
            self.why = _OTHER
        else:
            self._take(load_execution(run_dir))

    def _take(self, execution: Execution) -> None:
        """Take what a run of these settings left, if it went to its end."""
        self.execution = execution
        if execution.status == "Succeeded":
            self.measured = read_measured(execution)
            self.status = "whole"
        elif execution.status == "Failed" and execution.failure != INTERRUPTED:
            self.status, self.why = "failed", f"step {execution.failed_step} stopped: {execution.failure}"
        else:
            self.why = "it was interrupted: the same command goes on"

    def card(self, command: str) -> RunCard:
        """Return what the page tells of this run."""
        seen, done = self.measured, self.execution
        status: RunStatus = "failed" if self.status == "failed" else "waiting"
        if seen is not None:
            status = "passed" if seen.metrics.verdict.passed else "rejected"
        return RunCard(
            seed=self.cell.seed,
            run=self.cell.id if done else "",
            status="refused" if self.status == "refused" else status,
            why=seen.metrics.reasons if seen else self.why,
            command=f"{command} --only {self.cell.id}",
            report=f"{self.cell.id}/{PAGE}" if done and (done.run_dir / PAGE).is_file() else "",
            digests=_digests(seen) if seen else {},
            seconds=round(sum(step.seconds for step in done.steps if not step.cached), 3) if done else 0.0,
            pictures=pictures_of(seen.evaluation) if seen else (),
        )


def _cell(runs: Sequence[_Run], command: str) -> CellNumbers:
    cell, seen = runs[0].cell, {str(run.cell.seed): run.measured for run in runs if run.measured}
    status, why = _status(runs)
    return CellNumbers(
        row=cell.row.id,
        column=cell.column.id,
        status=status,
        why=why,
        numbers=numbers_of(seen) if seen else {},
        hatched=hatched(seen) if seen else (),
        unreliable=unreliable(seen) if seen else (),
        threshold=thresholds_of(next(iter(seen.values())).evaluation) if seen else "",
        runs=() if cell.excluded else tuple(run.card(command) for run in runs),
    )


def _status(runs: Sequence[_Run]) -> tuple[Status, str]:
    """Return the status of a cell, and what is wrong with the first seed that has no number."""
    missing = [run for run in runs if run.measured is None]
    if not missing:
        return "whole", ""
    first = missing[0]
    if len(missing) < len(runs):
        words = {"failed": "failed", "refused": "was refused", "waiting": "has not run"}
        why = f": {first.why}" if first.why else ""
        return "part", f"seed {first.cell.seed} {words[first.status]}{why}"
    return first.status, first.why


def _digests(seen: Measured) -> dict[str, str]:
    models = {f"{name} model": model.digest for name, model in seen.metrics.models.items()}
    return {**seen.metrics.data.digests, **models}


def _machine() -> str:
    cores = os.cpu_count() or 1
    return f"{platform.system()}, {platform.machine()}, {cores} cores, Python {platform.python_version()}"
