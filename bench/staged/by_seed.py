"""A campaign that is measured seed by seed: what is measured already is not measured again."""

from __future__ import annotations

import json
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import KEPT
from bench.results import RESULTS
from bench.staged.matrices import CAMPAIGNS, Matrices, written
from bench.staged.seeds import add_seeds
from boomerang.digest import digest_json
from boomerang.scoring import Rate


@dataclass(frozen=True)
class BySeed(Matrices, ABC):
    """A campaign of which a table is made; each seed is kept as soon as it is measured."""

    @property
    def campaign(self) -> dict[str, Any]:
        """The campaign as its file has it."""
        return tomllib.loads((CAMPAIGNS / self.file).read_text())

    @abstractmethod
    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return what is kept of one seed: `columns`, a table for each column of the matrix, and `versions`.

        Parameters
        ----------
        matrix : mapping
            As `matrix.json` has it.
        folder : Path
            That it lies in, with its runs.
        """

    def measure(self, out: Path = RESULTS, runs: Path = KEPT / "matrices", seeds: Sequence[int] = ()) -> Path:
        """Run the seeds that the result lacks, and write it after each; of these alone, where some are given.

        Raises
        ------
        StepFailed
            If a cell has no number.
        UsageError
            If the real data is not to be had, the campaign has changed since the seeds that are there, or it
            has none of the seeds that are given.
        """
        path, file, campaign = out / f"{self.name}.json", CAMPAIGNS / self.file, self.campaign
        digest = digest_json({key: value for key, value in campaign.items() if key != "seeds"})
        head = {"name": self.name, "command": f"python -m bench {self.name}", "campaign": digest}

        def of(seed: int) -> dict[str, Any]:
            copy = runs / f"{file.stem}-s{seed}.toml"
            own = written(copy, file, f"seeds = [{seed}]", f'name = "{copy.stem}"')
            return self.kept(self.run(own, runs), runs / copy.stem)

        add_seeds(path, head, self.file, campaign["seeds"], seeds, of)
        print("\n".join(self.table(out)))
        return path

    def columns(self, folder: Path) -> list[tuple[Mapping[str, Any], ...]]:
        """Return each column of what was measured, once a seed; none if it was not."""
        path = folder / f"{self.name}.json"
        seeds = json.loads(path.read_text())["seeds"].values() if path.exists() else []
        return [*zip(*(seed["columns"] for seed in seeds), strict=True)]


def interval(rate: Rate | None) -> str:
    """Return a rate in percent with its interval; a dash where there is none."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return "–"
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"
