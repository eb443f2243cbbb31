"""How far a campaign is: which steps are made, what runs, and about how long the rest takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from threading import Lock
from time import monotonic

from pipelines.matrix.running.ready import Ready
from pipelines.runs.records import Event


@dataclass
class Progress:
    """The state of all cells, told by those who run them; several may tell at a time.

    Attributes
    ----------
    cells : sequence of Ready
    jobs : int
        How many run at a time.
    known : mapping of str to sequence of float
        Seconds that steps of a name took before, see `Cache.seconds`.
    done : set of str
        What steps do, of those that are made; see `pipelines.matrix.running.ready.symbols`.
    running : dict
        The step that each cell at work is at, by the cell's id, and since when.
    ended : dict
        How each cell ended, by its id: `True` well.
    """

    cells: Sequence[Ready]
    jobs: int
    known: Mapping[str, Sequence[float]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    running: dict[str, tuple[str, float]] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    _took: dict[str, list[float]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def take(self, ready: Ready, event: Event | None) -> None:
        """Note an event of a cell, or its end."""
        name = ready.cell.id
        with self._lock:
            if event is None:
                self.running.pop(name, None)
                self.ended[name] = name not in self._failed
            elif event.kind == "started":
                self.running[name] = (event.step, monotonic())
            elif event.kind == "failed":
                self._failed.add(name)
            elif event.kind in ("succeeded", "cached") and event.step in ready.symbols:
                self.done.add(ready.symbols[event.step])
                self._took.setdefault(event.step, []).append(event.seconds)

    @property
    def steps(self) -> dict[str, str]:
        """The name of every step that is to be made, by what it does: those that cells share count once."""
        return distinct(self.cells)

    @property
    def left_s(self) -> float | None:
        """About how many seconds the rest takes; None while a step is left that has no measure."""
        with self._lock:
            over = {c.cell.id for c in self.cells if c.cell.id in self.ended}
            rest = distinct(c for c in self.cells if c.cell.id not in over)
            names = [name for symbol, name in rest.items() if symbol not in self.done]
            return estimate(names, {**self.known, **self._took}, self.jobs)


def distinct(cells: Iterable[Ready]) -> dict[str, str]:
    """Return the name of every step of cells, by what it does."""
    return {symbol: name for ready in cells for name, symbol in ready.symbols.items()}


def estimate(names: Iterable[str], took: Mapping[str, Sequence[float]], jobs: int) -> float | None:
    """Return the seconds that steps of these names take together, by what such steps took on average.

    >>> estimate(["Screen", "Screen", "Harden"], {"Screen": [1.0, 3.0], "Harden": [10.0]}, jobs=2)
    7.0
    """
    names = list(names)
    if any(not took.get(name) for name in names):
        return None
    return sum(fmean(took[name]) for name in names) / jobs
