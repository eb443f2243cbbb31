"""What a campaign would do: runs, steps, which of these are there, about how long the rest takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.matrix.running.headway import distinct, estimate
from pipelines.matrix.running.ready import Ready
from pipelines.runners.process.explain import explain_cache
from pipelines.runs.cache import Cache, Damaged, Entry


@dataclass(frozen=True)
class Forecast:
    """What a campaign would do.

    Attributes
    ----------
    runs : int
    steps : int
        Of all runs together.
    distinct : int
        Of these, those that are not another run's as well.
    cached : int
        Of the distinct ones, those in the cache.
    seconds : float or None
        What the others take, by what such steps took in this workspace; None where one has not run there.
    unknown : tuple of str
        The steps that have not.
    """

    runs: int
    steps: int
    distinct: int
    cached: int
    seconds: float | None
    unknown: tuple[str, ...]


def forecast(cells: Sequence[Ready], workspace: Path, jobs: int) -> Forecast:
    """Return what running these cells would do; nothing is changed."""
    cache = _Remembered(workspace.resolve() / "cache")
    cached = set()
    for ready in cells:
        words = explain_cache(ready.built.definition, ready.built.staged, workspace, cache=cache)
        cached |= {ready.symbols[word.step] for word in words if word.hit}
    steps, took = distinct(cells), cache.seconds()
    rest = [name for symbol, name in steps.items() if symbol not in cached]
    return Forecast(
        runs=len(cells),
        steps=sum(len(ready.symbols) for ready in cells),
        distinct=len(steps),
        cached=len(cached),
        seconds=estimate(rest, took, jobs),
        unknown=tuple(sorted({name for name in rest if name not in took})),
    )


@dataclass(frozen=True)
class _Remembered(Cache):
    """A cache in which every entry is looked up once, however many cells share it."""

    found: dict[str, Entry | Damaged | None] = field(default_factory=dict)

    def find(self, key: str, *, drop: bool = True) -> Entry | Damaged | None:
        if key not in self.found:
            self.found[key] = super().find(key, drop=drop)
        return self.found[key]
