"""The trials that chose the recipes, as a part of docs/benchmarks.md; `bench.recipes` runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.contest import Setting
from bench.data import cifar10, lacks_real_data
from bench.harness import KEPT
from bench.results import RESULTS, Reached
from boomerang.errors import UsageError


@dataclass(frozen=True)
class Trials:
    """Trainings on 45,000 training rows of CIFAR-10, asked about the other 5,000; never the test set."""

    name: str = "recipes"
    words: str = "trainings on 45,000 training rows of CIFAR-10, asked about the other 5,000"
    cpu_s: int = 2500

    def measure(self, out: Path = RESULTS) -> Path:
        """Run the trials whose result is not there; raises UsageError without the real data."""
        from bench import recipes

        if why := lacks_real_data():
            raise UsageError(self.name, why, "see ../shared/data/README.md")
        cifar10(Setting(False, 0, KEPT, KEPT))  # which unpacks it
        recipes.main(["--data", str(KEPT / "data" / "cifar10.npz"), "--out", str(out / f"{self.name}.json")])
        return out / f"{self.name}.json"

    def part(self, folder: Path = RESULTS) -> list[str]:
        """Return its part of docs/benchmarks.md."""
        trials = json.loads((folder / f"{self.name}.json").read_text())["trials"]
        lines = [f"{self.words[0].upper()}{self.words[1:]}: never the test set.", ""]
        lines += ["| trial | accuracy | CPU-seconds |", "| --- | --- | --- |"]
        for name, trial in trials.items():
            found = trial["found"]
            lines.append(f"| {name} | {100 * found['accuracy']:.1f}% | {found['cpu_s']:.0f} |")
        return [*lines, "", f"`python -m bench {self.name}`; their settings stand in `bench/recipes.py`."]

    def goals(self, folder: Path = RESULTS) -> Iterator[Reached]:
        """Give nothing: they are there to choose by."""
        return iter(())


TRIALS = Trials()
