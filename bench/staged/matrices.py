"""What whole campaigns reach: the matrices of docs/results.md, each of a file in `bench/campaigns`.

Interrupted, one goes on where it stopped: what is finished comes from the cache.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contest import ROOT
from bench.data import photographs, real_file
from bench.harness import KEPT
from bench.machine import machine
from bench.results import RESULTS
from boomerang.errors import StepFailed
from boomerang.safeio import write_json_atomic

CAMPAIGNS = ROOT / "bench" / "campaigns"
# What of a run's card is of the machine that it was run on, or too large.
_LEFT_OUT = ("command", "report", "pictures", "run", "seconds")
_SHOWN = ("asr", "accuracy")


@dataclass(frozen=True)
class Matrices:
    """A campaign that is measured.

    Attributes
    ----------
    name, words : str
        Of the result, and what it measures.
    file : str
        Its name in `bench/campaigns`.
    cpu_s : int
        About how long it takes.
    data : str
        The real data that it is on, `cifar10` or `mnist`; empty if it is on what comes with the project.
    pictures : str
        The set of airplanes of which the book's photographs take the place; empty if none.
    """

    name: str
    words: str
    file: str
    cpu_s: int
    data: str = ""
    pictures: str = ""

    def measure(self, out: Path = RESULTS, runs: Path = KEPT / "matrices") -> Path:
        """Run it and write its matrix.

        Raises
        ------
        StepFailed
            If a cell has no number.
        UsageError
            If the real data is not to be had.
        """
        path = out / f"{self.name}.json"
        told = self.told(self.run(CAMPAIGNS / self.file, runs))
        write_json_atomic(path, told | {"machine": machine()})
        print("\n".join(self.table(out)))
        return path

    def run(self, file: Path, runs: Path) -> dict[str, Any]:
        """Run the campaign of a file, on the real data if it is of that, and return its matrix.

        Raises
        ------
        StepFailed
            If a cell has no number.
        UsageError
            If the real data is not to be had.
        """
        lines = [f'data.path = "{real_file(self.data, KEPT)}"'] if self.data else []
        if self.pictures:
            path = photographs(KEPT)
            lines.append(f'pictures = [{{ name = "{self.pictures}", path = "{path}", label = "airplane" }}]')
        if lines:
            file = written(runs / file.name, file, *lines)
        words = [sys.executable, "-m", "pipelines", "campaign", str(file), "--out", str(runs)]
        code = subprocess.run(words, cwd=ROOT, check=False, stdout=sys.stderr).returncode
        if code:
            raise StepFailed(f"the campaign {file.stem}", f"it ended with {code}", "see what it says above")
        matrix: dict[str, Any] = json.loads((runs / file.stem / "matrix.json").read_text())
        return matrix

    def told(self, matrix: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a matrix is committed: all but what is of the folder that it was run in."""
        cells = [
            cell | {"runs": [{k: v for k, v in run.items() if k not in _LEFT_OUT} for run in cell["runs"]]}
            for cell in matrix["cells"]
        ]
        command = f"python -m bench {self.name}"
        return {"name": self.name, "command": command, "matrix": {**matrix, "cells": cells}}

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown of the matrix: ASR with its interval over clean accuracy."""
        matrix = json.loads((folder / f"{self.name}.json").read_text())["matrix"]
        cells = {(cell["row"], cell["column"]): cell for cell in matrix["cells"]}
        columns = matrix["columns"]
        lines = [f"| | {' | '.join(column['title'] for column in columns)} |"]
        lines.append("| --- |" + " --- |" * len(columns))
        for row in matrix["rows"]:
            said = (_said(cells[row["id"], column["id"]]) for column in columns)
            lines.append(f"| {row['title']} | {' | '.join(said)} |")
        return lines


def written(copy: Path, file: Path, *lines: str) -> Path:
    """Write a copy of a campaign in which the first line of some keys is another one, and return its path.

    Raises
    ------
    ValueError
        If the campaign has no such key.
    """
    text = file.read_text().splitlines()
    for line in lines:
        key = f"{line.partition(' = ')[0]} = "
        places = [number for number, old in enumerate(text) if old.startswith(key)]
        if not places:
            raise ValueError(f"{file} has no line '{key}...'")
        text[places[0]] = line
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("\n".join(text) + "\n")
    return copy


def _said(cell: Mapping[str, Any]) -> str:
    """Return a cell in percent, or why it has no number; what is hatched or unreliable is marked."""
    if not cell["numbers"]:
        return str(cell["status"])
    asr, accuracy = (cell["numbers"].get(key) for key in _SHOWN)
    marks = ("*" if cell["unreliable"] else "") + ("†" if cell["hatched"] else "")
    success = "–"
    if asr:
        success = f"{100 * asr['value']:.1f} ({100 * asr['low']:.1f}–{100 * asr['high']:.1f})"
    return f"{success} / {100 * accuracy['value']:.1f}{marks}".replace("*", "\\*")


MATRICES = {
    each.name: each
    for each in (
        Matrices(
            "matrix_bundled",
            "three backdoors, three screens and the controls on two seeds",
            "bundled.toml",
            1000,
        ),
        Matrices(
            "matrix_dose", "the poisoning rate against ASR and accuracy on three seeds", "dose.toml", 900
        ),
        Matrices(
            "matrix_hardening_fashion",
            "what a few missed rows do after retraining and after relabeling, on three seeds",
            "hardening-fashion.toml",
            2300,
        ),
        Matrices(
            "matrix_adaptive_fashion",
            "attacks that were made against the default screen, on three seeds",
            "adaptive-fashion.toml",
            3500,
        ),
    )
}
