"""What a person sees while a campaign runs: a live table on a terminal, one line a cell elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.matrix.cells import cells_of, columns_of, rows_of
from pipelines.matrix.document import Column, Matrix, Number, Row
from pipelines.matrix.entries import Campaign
from pipelines.matrix.quantities import ACCURACY, ASR
from pipelines.matrix.running.forecast import Forecast
from pipelines.matrix.running.headway import Progress
from pipelines.matrix.running.ready import Ready
from pipelines.page.terminal import open_console
from pipelines.page.wording import duration, percent, plural
from pipelines.runs.records import Event

_DONE, _FAILED, _RUNS, _WAITS = ("✓", "green"), ("✗", "red"), ("▶", "cyan"), ("·", "dim")


@contextmanager
def board(progress: Progress) -> Iterator[Callable[[Ready, Event | None], None]]:
    """Give a function that shows each event of a campaign."""
    console = open_console(stderr=True)
    if not console.is_terminal:
        lines = Lines(progress)
        yield lines.take
        return
    with Live(Board(progress), console=console, refresh_per_second=2):
        yield progress.take


class Lines:
    """One line a cell that has ended, and one a step that failed."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def take(self, ready: Ready, event: Event | None) -> None:
        """Note an event, and say what there is to say of it."""
        progress = self.progress
        progress.take(ready, event)
        if event is not None:
            if event.kind == "failed":
                print(f"{ready.cell.id}: {event.step} failed: {event.detail}", file=sys.stderr, flush=True)
            return
        well = "done" if progress.ended[ready.cell.id] else "failed"
        print(f"{ready.cell.id} {well}; {say(progress)}", file=sys.stderr, flush=True)


def say(progress: Progress) -> str:
    """Return how far a campaign is, in a line."""
    steps, left = progress.steps, progress.left_s
    made = sum(symbol in progress.done for symbol in steps)
    rest = "time left not known yet" if left is None else f"about {duration(left)} left"
    return f"{len(progress.ended)} of {len(progress.cells)} runs, {made} of {len(steps)} steps, {rest}"


class Board:
    """The live table: every cell with a mark a seed, and below it what runs."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        cells = [ready.cell for ready in progress.cells]
        self.rows = list({cell.row.id: cell.row for cell in cells}.values())
        self.columns = list({cell.column.id: cell.column for cell in cells}.values())

    def __rich__(self) -> Group:
        table = Table(show_edge=False)
        table.add_column("")
        for column in self.columns:
            table.add_column(escape(column.title))
        for row in self.rows:
            table.add_row(escape(row.title), *(self._marks(row, column) for column in self.columns))
        running = [
            Text(f"  {name}: {step}, {duration(monotonic() - since)}", "dim")
            for name, (step, since) in sorted(self.progress.running.items())
        ]
        return Group(table, Text(say(self.progress)), *running)

    def _marks(self, row: Row, column: Column) -> Text:
        marks = Text()
        for ready in self.progress.cells:
            if (ready.cell.row.id, ready.cell.column.id) == (row.id, column.id):
                marks.append(*self._mark(ready.cell.id))
        return marks

    def _mark(self, name: str) -> tuple[str, str]:
        progress = self.progress
        if name in progress.ended:
            return _DONE if progress.ended[name] else _FAILED
        return _RUNS if name in progress.running else _WAITS


def show_forecast(campaign: Campaign, found: Forecast, jobs: int) -> None:
    """Print what a campaign would do, and which of its cells are excluded."""
    console = open_console()
    rows, columns = len(rows_of(campaign)), len(columns_of(campaign))
    seeds = plural(len(campaign.seeds), "seed")
    console.print(f"{campaign.name}: {plural(rows, 'row')} x {plural(columns, 'column')} x {seeds}")
    console.print(f"runs: {found.runs:,}, {jobs} at a time")
    shared = found.steps - found.distinct
    console.print(
        f"steps: {found.steps:,} in all, {shared:,} of them another run's as well, {found.cached:,} in the "
        f"cache: {found.distinct - found.cached:,} to run"
    )
    if found.seconds is not None:
        console.print(f"time: about {duration(found.seconds)}, by what such steps took here")
    else:
        console.print(f"time: not known, as here never ran: {', '.join(found.unknown)}")
    for cell in cells_of(campaign):
        if cell.excluded and cell.seed == campaign.seeds[0]:
            console.print(f"excluded: {cell.column.id} x {cell.row.id}: {cell.excluded}", markup=False)


def show_matrix(matrix: Matrix, files: Mapping[str, object]) -> None:
    """Print the matrix, ASR over clean accuracy, and where its files are."""
    console = open_console()
    table = Table(title=escape(matrix.title), title_justify="left", caption="ASR / clean accuracy, %")
    table.add_column("", no_wrap=True)
    for column in matrix.columns:
        table.add_column(escape(column.title), justify="right")
    for row in matrix.rows:
        table.add_row(escape(row.title), *_row(matrix, row, matrix.columns))
    console.print(table)
    for cell in matrix.cells:
        if cell.status in ("failed", "refused", "part"):
            console.print(f"[red]{escape(cell.row)} x {escape(cell.column)} {cell.status}:[/] ", end="")
            console.print(cell.why, markup=False, soft_wrap=True)
    for what, file in files.items():
        console.print(f"{what}: {file}", soft_wrap=True, markup=False)


def _row(matrix: Matrix, row: Row, columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        cell = matrix.cell(row.id, column.id)
        if not cell.numbers:
            yield f"[dim]{cell.status}[/]"
            continue
        asr, accuracy = (_short(cell.numbers.get(key)) for key in (ASR, ACCURACY))
        marks = ("*" if cell.unreliable else "") + ("†" if cell.hatched else "")
        yield f"{asr} / {accuracy}{marks}"


def _short(number: Number | None) -> str:
    return percent(number.value if number else None).removesuffix("%")
