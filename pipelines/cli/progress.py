"""What a person sees while a run goes on: a live list on a terminal, one line a step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from boomerang.shown import printable
from pipelines.page.terminal import open_console

if TYPE_CHECKING:
    from pipelines.runs.records import Event

# A condition's branches are listed only once they run: of two ends, one comes.
_MARKS = {
    "cached": ("✓", "green"),
    "succeeded": ("✓", "green"),
    "rejected": ("✗", "red"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}


def step_names(definition: Mapping[str, Any]) -> list[str]:
    """Return the steps that every run of a definition goes through, in order."""
    return [step["Name"] for step in definition["Steps"]]


@contextmanager
def progress(steps: Sequence[str]) -> Iterator[Callable[[Event], None]]:
    """Give a function that shows each event of a run."""
    console = open_console(stderr=True)
    if not console.is_terminal:
        yield _print_line
        return
    board = Board(steps)
    with Live(board, console=console, refresh_per_second=8):
        yield board.take


def say(event: Event) -> str:
    """Return an event as one line of text."""
    word = "finished" if event.kind == "succeeded" else event.kind
    took = f" in {event.seconds:.1f} s" if event.kind in ("succeeded", "rejected", "failed") else ""
    detail = f": {event.detail}" if event.detail else ""
    return f"{event.step} {word}{took}{detail}"


def _print_line(event: Event) -> None:
    print(say(event), file=sys.stderr, flush=True)


class Board:
    """The live list: every step with its mark, its time, and what there is to say."""

    def __init__(self, steps: Sequence[str]) -> None:
        self._events: dict[str, Event | None] = dict.fromkeys(steps)
        self._began: dict[str, float] = {}
        self._spinner = Spinner("dots", style="cyan")

    def take(self, event: Event) -> None:
        """Note an event; a step that was not listed yet is added at the end."""
        self._events[event.step] = event
        if event.kind == "started":
            self._began[event.step] = monotonic()

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for step, event in self._events.items():
            table.add_row(*self._row(step, event))
        return table

    def _row(self, step: str, event: Event | None) -> tuple[Any, ...]:
        if event is None:
            return Text("·", "dim"), Text(step, "dim"), "", ""
        if event.kind == "started":
            seconds = monotonic() - self._began[step]
            return (
                self._spinner,
                Text(step, "bold"),
                f"{seconds:6.1f} s",
                Text(printable(event.detail), "dim"),
            )
        mark, style = _MARKS[event.kind]
        note = event.detail or ("cached" if event.kind == "cached" else "")
        return Text(mark, style), step, f"{event.seconds:6.1f} s", Text(printable(note), "dim")
