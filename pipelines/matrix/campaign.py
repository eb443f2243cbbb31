"""A campaign from its file to its matrix, in the folder of its name."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.errors import ConfigError, StepFailed, UsageError
from boomerang.safeio import load_json, write_bytes_atomic, write_json_atomic
from pipelines.campaign.member import Member
from pipelines.campaign.site import Site
from pipelines.matrix.cells import FILTERS, Cell, cells_of, chosen, run_name
from pipelines.matrix.document import MATRIX, Matrix
from pipelines.matrix.entries import Campaign, Table, read_addition, read_campaign
from pipelines.matrix.gathering.assemble import assemble
from pipelines.matrix.page import render
from pipelines.matrix.running.headway import Progress
from pipelines.matrix.running.live_table import board, show_matrix
from pipelines.matrix.running.ready import Ready, Refused, make_ready
from pipelines.matrix.running.workers import Schedule, Works
from pipelines.matrix.table import csv_text
from pipelines.runners.base import Runner
from pipelines.runners.ledger import check_run_id
from pipelines.runs.cache import Cache
from pipelines.runs.locking import locked
from pipelines.runs.records import EXECUTION

PAGE, SHEET = "matrix.html", "matrix.csv"
_ADDED, _LOCK = "added.json", ".campaign.lock"


@dataclass(frozen=True)
class Staged:
    """A campaign with its folder below the workspace.

    Attributes
    ----------
    campaign : Campaign
    file, workspace : Path
    """

    campaign: Campaign
    file: Path
    workspace: Path

    @property
    def folder(self) -> Path:
        """Where its runs and its matrix are."""
        return self.workspace / self.campaign.name

    @property
    def cache(self) -> Path:
        """Outputs by content, shared with the other runs of the workspace."""
        return self.workspace / "cache"

    @property
    def command(self) -> str:
        """What runs it."""
        words = ["python", "-m", "pipelines", "campaign", str(self.file), "--out", str(self.workspace)]
        return shlex.join(words)


def open_campaign(file: Path, workspace: Path, more: Sequence[Path] = ()) -> Staged:
    """Read a campaign with what was added to it before, and what is added now.

    Raises
    ------
    UsageError, ConfigError
        If there is no such file, it is wrong, or its folder holds something else.
    """
    additions = [read_addition(each) for each in more]
    folder = workspace / read_campaign(file).name
    check_run_id(folder.name)
    if (folder / EXECUTION).exists():
        raise UsageError(f"{folder}", "a run of this name is there", "give the campaign another name")
    additions = [*_earlier(folder), *(each for each in additions if each not in _earlier(folder))]
    return Staged(read_campaign(file, additions), file, workspace)


def add_to(staged: Staged, more: Sequence[Path]) -> None:
    """Remember what was added, for the next time."""
    before = _earlier(staged.folder)
    added = [each for each in map(read_addition, more) if each not in before]
    if added:
        staged.folder.mkdir(parents=True, exist_ok=True)
        write_json_atomic(staged.folder / _ADDED, [*before, *added])


def _earlier(folder: Path) -> list[Table]:
    file = folder / _ADDED
    found: list[dict[str, Any]] = load_json(file) if file.is_file() else []
    return found


def prepare(staged: Staged, only: Sequence[str], site: Site, *, keeps: bool = True) -> list[Ready | Refused]:
    """Return the chosen cells, ready or refused; one that is refused is said at once.

    Raises
    ------
    UsageError
        If `only` names no cell.
    ConfigError
        If every one of them is refused.
    """
    cells: list[Cell] = chosen(cells_of(staged.campaign), only)
    made = []
    for each in make_ready(cells, site, staged.cache / "definitions", keeps=keeps):
        made.append(each)
        if isinstance(each, Refused):
            print(f"refused: {each.cell.id}: {each.why}", file=sys.stderr, flush=True)
    refused = [each for each in made if isinstance(each, Refused)]
    if refused and len(refused) == len(made):
        why = f"all of its {len(refused)} cells are refused; {refused[0].cell.id}: {refused[0].why}"
        raise ConfigError(f"campaign {staged.campaign.name}", why)
    return made


def members_of(staged: Staged, only: Sequence[str], say: Callable[[str], object]) -> list[Member]:
    """Return the chosen cells as a campaign on AWS has them, and say which rows it cannot have.

    Raises
    ------
    UsageError
        If `only` names no cell.
    ConfigError
        If a cell is refused.
    """
    cells = [each for each in chosen(cells_of(staged.campaign), only) if not each.excluded]
    if left_out := list(dict.fromkeys(cell.row.id for cell in cells if cell.row.id in FILTERS)):
        say(f"left out: {', '.join(left_out)}, as no role of a deployed range may tell a filter the truth")
    return [Member(cell.id, cell.config()) for cell in cells if cell.row.id not in FILTERS]


def run_campaign(
    staged: Staged, cells: Sequence[Ready | Refused], site: Site, runner: Runner, jobs: int
) -> Matrix:
    """Run the cells, write the matrix of all that is there, and show it.

    Raises
    ------
    UsageError
        If another process runs the same campaign.
    StepFailed
        If a cell has no number, after everything else was done; it names them.
    KeyboardInterrupt
        When it was interrupted; the matrix of what is finished is written.
    """
    from pipelines.report import write_report

    ready = [each for each in cells if isinstance(each, Ready)]
    works = Works(staged.folder, staged.cache, site, runner, jobs, write_report)
    progress = Progress(ready, jobs, Cache(staged.cache).seconds())
    with _held(staged), board(progress) as tell:
        schedule = Schedule(ready, works, tell)
        try:
            schedule.run()
        finally:
            matrix = assemble(staged.campaign, staged.folder, schedule.failures, staged.command)
            _write(matrix, staged.folder)
    show_matrix(matrix, {"matrix": staged.folder / PAGE, "table": staged.folder / SHEET})
    _refuse_gaps(matrix, {each.cell.id for each in cells})
    return matrix


@contextmanager
def _held(staged: Staged) -> Iterator[None]:
    with locked(staged.folder / _LOCK, wait=False, what=f"campaign {staged.campaign.name}"):
        yield


def _write(matrix: Matrix, folder: Path) -> None:
    """Write the matrix; where no disk takes it, it is shown at least."""
    try:
        write_matrix(matrix, folder)
    except OSError:
        show_matrix(matrix, {})
        raise


def write_matrix(matrix: Matrix, folder: Path) -> None:
    """Write `matrix.json`, and the page and the table with the same numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / MATRIX, matrix.model_dump(mode="json"))
    write_bytes_atomic(folder / SHEET, csv_text(matrix).encode())
    write_bytes_atomic(folder / PAGE, render(matrix).encode())


def _refuse_gaps(matrix: Matrix, ran: set[str]) -> None:
    """Raise StepFailed if a run that was to be done has no number."""
    missing = [
        run_name(cell.row, cell.column, card.seed)
        for cell in matrix.cells
        for card in cell.runs
        if card.status in ("failed", "refused")
    ]
    gaps = [name for name in missing if name in ran]
    if gaps:
        what = f"{len(gaps)} of {len(ran)} runs have no number"
        raise StepFailed(what, ", ".join(gaps), "why, the matrix says; the same command tries them again")
