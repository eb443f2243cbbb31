"""How many changed rows the answers of a vote are certified against, by the number of partitions."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import real_file
from bench.harness import KEPT
from bench.machine import machine
from bench.results import RESULTS
from bench.staged.by_seed import interval
from boomerang.safeio import write_json_atomic
from boomerang.scoring import Rate, share

# By as many partitions methods.md's own measurements are stated.
PARTITIONS = (150, 300, 600, 1200)
_EPOCHS = 2


@dataclass(frozen=True)
class CertifiedVotes:
    """Deep partition aggregation with a run-off on MNIST's 60,000 rows; all 10,000 test rows are asked about.

    The features are those of Dioptra's network after two epochs on the same rows, clean.
    """

    name: str = "certified_mnist"
    words: str = "rows that the answers of a certified vote are safe from, MNIST"
    cpu_s: int = 400

    def measure(self, out: Path = RESULTS) -> Path:
        """Train the network, let the partitions vote, and write what they reach.

        Raises
        ------
        UsageError
            If MNIST is not to be had.
        """
        with np.load(real_file("mnist", KEPT)) as stored:
            x, y, asked, right = (stored[name] for name in ("x_train", "y_train", "x_test", "y_test"))
        rows = [self._of(*each) for each in _votes(x[..., None], y, asked[..., None], right)]
        path = out / f"{self.name}.json"
        told = {"name": self.name, "command": f"python -m bench {self.name}", "seed": 0, "rows": rows}
        write_json_atomic(path, told | {"machine": machine()})
        print("\n".join(self.table(out)))
        return path

    def _of(self, partitions: int, right: Any, radii: Any, cpu_s: float) -> dict[str, Any]:
        return {
            "partitions": partitions,
            "right": share(right).model_dump(mode="json"),
            "median": float(np.median(radii[right])),
            "cpu_s": round(cpu_s, 1),
        }

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: a line for each number of partitions."""
        head = ("partitions", "answers right", "safe from changed rows, median of these", "CPU-s")
        lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
        for row in json.loads((folder / f"{self.name}.json").read_text())["rows"]:
            right = interval(Rate.model_validate(row["right"]))
            lines.append(f"| {row['partitions']} | {right} | {row['median']:.0f} | {row['cpu_s']:.0f} |")
        return lines


def _votes(x: Any, y: Any, asked: Any, right: Any) -> Any:
    """Yield for each number of partitions whether each answer is right, its radius, and the CPU-seconds."""
    from boomerang.config import Spec
    from boomerang.manifest import write_dataset
    from boomerang.settings import TrainConfig
    from processing.evaluation.robustness.certified import voted
    from processing.evaluation.robustness.election import run_off
    from training.architectures import ARCHITECTURES
    from training.fit import fit, seed_everything
    from training.model import embedder

    classes = tuple(map(str, range(10)))
    seed_everything(0)
    model = ARCHITECTURES.create(Spec(kind="lenet")).build(x.shape[1:], 10)
    fit(model, x, y.astype(np.int64), (x[:100], y[:100]), TrainConfig(epochs=_EPOCHS, batch=256), 0)
    with tempfile.TemporaryDirectory() as folder:
        data = write_dataset(Path(folder) / "rows", x, y.astype(np.int64), name="mnist", classes=classes)
        for count in PARTITIONS:
            began = time.process_time()
            answers, radii = run_off(voted(embedder(model), data, asked, count, 10))
            yield count, answers == right, radii, time.process_time() - began


CERTIFIED = CertifiedVotes()
