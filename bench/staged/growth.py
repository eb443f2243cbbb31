"""What ten times the rows cost the whole pipeline, as a result with its goals; `bench.scale` measures it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import scale
from bench.harness import KEPT
from bench.machine import machine
from bench.results import RESULTS, Reached, write

_MOST_TIMES, _MOST_MB = 10.5, 2000


@dataclass(frozen=True)
class Growth:
    """The default entry at several numbers of rows, each ten times the one before."""

    name: str
    words: str
    rows: tuple[int, ...]
    cpu_s: int

    def measure(self, out: Path = RESULTS) -> Path:
        """Measure what has not been measured, and write it all as a result."""
        found = scale.measure(self.rows, KEPT / self.name)
        path = out / f"{self.name}.json"
        told = {
            "format": 1,
            "name": self.name,
            "command": f"python -m bench {self.name}",
            "machine": machine(),
        }
        write(path, told | found)
        print("\n".join(self.part(out)))
        return path

    def part(self, folder: Path = RESULTS) -> list[str]:
        """Return its part of docs/benchmarks.md."""
        found = json.loads((folder / f"{self.name}.json").read_text())
        return [f"{self.words}.", "", *scale.table(found).splitlines(), "", f"`{found['command']}`."]

    def goals(self, folder: Path = RESULTS) -> Iterator[Reached]:
        """Give the goals: the worst ratio of a step, and the most memory of one."""
        path = folder / f"{self.name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            yield from (_ratio(found, count) for count in found["ratios"])
            yield _memory(found)


def _ratio(found: Mapping[str, Any], count: str) -> Reached:
    step, number = max(found["ratios"][count].items(), key=lambda item: item[1])
    words = f"CPU-seconds of a step at {int(count):,} rows over a tenth of them, the worst: {step}"
    reached = number <= _MOST_TIMES
    return Reached(words=words, unit="times", least=None, most=_MOST_TIMES, number=number, reached=reached)


def _memory(found: Mapping[str, Any]) -> Reached:
    steps = found["steps"][str(found["rows"][-1])]
    step, peak = max(
        ((name, took["peak_bytes"] / 1e6) for name, took in steps.items()), key=lambda item: item[1]
    )
    words = f"memory of a step at {found['rows'][-1]:,} rows, the most: {step}"
    return Reached(
        words=words, unit="MB", least=None, most=_MOST_MB, number=round(peak), reached=peak <= _MOST_MB
    )


GROWTH = Growth(
    "scale", "The whole pipeline on drawn rows, one epoch a training", (10_000, 100_000), cpu_s=2000
)
