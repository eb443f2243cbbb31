"""Detectors alone and put together, on the same victims: whether a combination beats its best member.

Campaigns train the victims and screen nothing. Each victim is then asked by every detector, here: what a
screen leaves does not say what trusted rows score, and combinations are calibrated by that.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import KEPT
from bench.machine import machine
from bench.results import RESULTS
from bench.staged.combining import Asked, flagged_by
from bench.staged.matrices import CAMPAIGNS, Matrices
from boomerang.config import Spec
from boomerang.formats.truth import load_truth
from boomerang.manifest import Dataset, opened
from boomerang.safeio import write_json_atomic
from boomerang.scoring import auroc, share
from pipelines.runs.records import load_execution
from processing.defenses.common.base import Suspect
from processing.defenses.screening import DETECTORS
from training.model import ModelView

# Those that one pass of the victim feeds.
MEMBERS = ("scan", "confident_learning", "z_score", "kmeans", "dbscan", "spectral_signatures")


@dataclass(frozen=True)
class Combinations:
    """Campaigns whose victims detectors are asked about.

    Attributes
    ----------
    name, words : str
        Of the result, and what it measures.
    files : mapping of str to bool
        Names in `bench/campaigns`, and whether the choice of the combination has seen their victims.
    cpu_s : int
        About how long it takes.
    """

    name: str
    words: str
    files: Mapping[str, bool]
    cpu_s: int

    def measure(self, out: Path = RESULTS, runs: Path = KEPT / "matrices") -> Path:
        """Run the campaigns, ask the detectors about the victims that the result lacks, and write it.

        Raises
        ------
        StepFailed
            If a cell has no number.
        """
        path = out / f"{self.name}.json"
        before = json.loads(path.read_text())["columns"] if path.exists() else []
        columns: list[dict[str, Any]] = []
        for file, seen in self.files.items():
            matrix = Matrices(self.name, self.words, file, self.cpu_s).run(CAMPAIGNS / file, runs)
            columns += columns_of(matrix, runs / str(matrix["name"]), seen, before)
        command = f"python -m bench {self.name}"
        told = {"name": self.name, "command": command, "columns": columns, "machine": machine()}
        write_json_atomic(path, told)
        print("\n".join(self.table(out)))
        return path

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: TPR by attack and in the mean, then the FPR, a column for each contender."""
        columns = json.loads((folder / f"{self.name}.json").read_text())["columns"]
        names = sorted(next(iter(columns[0]["seeds"].values())), key=lambda name: name not in MEMBERS)
        lines = [f"| TPR | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
        for seen, words in ((True, "chosen by"), (False, "never seen")):
            attacks = [each for each in columns if each["seen"] is seen and not each["clean"]]
            lines += [_line(_title(each), [_mean([each], name, "tpr") for name in names]) for each in attacks]
            lines.append(_line(f"**mean, {words}**", [_mean(attacks, name, "tpr") for name in names]))
        everything = [_mean(columns, name, "fpr") for name in names]
        highest = [max(_by_seed(columns, name, "fpr")) for name in names]
        return [*lines, _line("FPR, the mean", everything, 2), _line("FPR, the highest", highest, 2)]


def columns_of(
    matrix: Mapping[str, Any], runs: Path, seen: bool, before: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return what each attack of a matrix comes to, by seed and contender.

    Parameters
    ----------
    matrix : mapping
        What `matrix.json` holds.
    runs : Path
        The folder of the campaign, in which the runs lie.
    seen : bool
        Whether the choice of the combination has seen these victims.
    before : sequence of mapping
        Such columns; what they hold of an attack and seed is not measured again.
    """
    known = {(each["id"], each["data_title"], each["seen"]): each["seeds"] for each in before}
    cells = {cell["column"]: cell["runs"] for cell in matrix["cells"] if cell["row"] == "nothing"}
    columns = []
    for each in matrix["columns"]:
        column = {name: each[name] for name in ("id", "title", "data_title", "clean")} | {"seen": seen}
        found = known.get((each["id"], each["data_title"], seen), {})
        seeds = {
            str(run["seed"]): found.get(str(run["seed"])) or told(ask(runs / run["run"], run["seed"]))
            for run in cells[each["id"]]
        }
        columns.append(column | {"seeds": seeds})
    return columns


def ask(run: Path, seed: int) -> Asked:
    """Have every detector measure the rows that the victim of a run has learned, and planted ones."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    execution = load_execution(run)
    train = opened(execution.path("Poison", "train"))
    trusted = opened(execution.path("Preprocess", "validation"))
    truth = load_truth(execution.path("Poison", "secret") / "truth")
    view = ModelView(execution.path("TrainVictim", "model").parent, train.manifest.shape[1:])
    suspect = with_planted(train, trusted, view, seed)
    with threadpool_limits(1):
        scored = {kind: DETECTORS.create(Spec(kind=kind)).score(suspect) for kind in MEMBERS}
    return Asked(truth.attack_of > 0, scored)


def with_planted(train: Dataset, trusted: Dataset, view: ModelView, seed: int) -> Suspect:
    """Return the suspect rows and after them poison that a defender makes of trusted rows.

    A third has a square of one gray level somewhere, a third is blended with noise, a third is as it was;
    all have a wrong label. They are set aside, so that no detector learns from them.
    """
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(trusted.y), Asked.PLANTED, replace=False)
    x, classes = trusted.x[rows], len(train.classes)
    y = (trusted.y[rows] + rng.integers(1, classes, len(rows))) % classes
    third = len(rows) // 3
    for image in x[:third]:
        size = int(rng.integers(2, 6))
        top, left = (int(rng.integers(0, side - size)) for side in image.shape[:2])
        image[top : top + size, left : left + size] = rng.integers(0, 256)
    noise = rng.integers(0, 256, x[third : 2 * third].shape)
    x[third : 2 * third] = np.rint(0.8 * x[third : 2 * third] + 0.2 * noise)
    every, labels = np.concatenate([train.x, x]), np.concatenate([train.y, y])
    planted = np.arange(len(labels)) >= len(train.y)
    return Suspect(every, labels, trusted.x, trusted.y, train.classes, view, seed, planted)


def told(asked: Asked) -> dict[str, dict[str, float | None]]:
    """Return what each contender finds: TPR, FPR and AUROC, None where there is no poison."""
    found = {}
    for name, (flagged, scores) in flagged_by(asked).items():
        rates = {
            "tpr": share(flagged[asked.poisoned]).value,
            "fpr": share(flagged[~asked.poisoned]).value,
            "auroc": auroc(scores, asked.poisoned),
        }
        found[name] = {key: None if value is None else round(value, 4) for key, value in rates.items()}
    return found


def _by_seed(columns: Sequence[Mapping[str, Any]], name: str, key: str) -> Iterator[float]:
    for column in columns:
        yield from (seed[name][key] for seed in column["seeds"].values() if seed[name][key] is not None)


def _mean(columns: Sequence[Mapping[str, Any]], name: str, key: str) -> float:
    """Return the mean over attacks of the mean over seeds."""
    return statistics.mean(statistics.mean(_by_seed([column], name, key)) for column in columns)


def _title(column: Mapping[str, Any]) -> str:
    return f"{column['title']}, {column['data_title']}"


def _line(title: str, values: Sequence[float], places: int = 1) -> str:
    return f"| {title} | {' | '.join(f'{100 * value:.{places}f}' for value in values)} |"


COMBINATION = Combinations(
    "combination",
    "detectors alone and combined, on victims that the choice has seen and on others",
    {"combination.toml": True, "combination-finetuned.toml": True, "combination-heldout.toml": False},
    cpu_s=4500,
)
