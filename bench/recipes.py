"""The trials that chose the recipes of `training/architectures`, on CIFAR-10 without its test set.

    python -m bench.recipes --data cifar10.npz [NAME ...]

learns from the first 45,000 training rows, asks about the other 5,000, and adds what it found to
`bench/results/recipes.json`, a trial at a time: one that is there is not run again, so who interrupts it goes
on with the same command. The file is in Keras' layout (x_train, y_train). CPU-seconds are those of the whole
process from building the network to the end of the training.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import Spec, validate
from boomerang.digest import digest_json
from boomerang.safeio import load_npz, write_json_atomic
from boomerang.settings import TrainConfig
from training.architectures import ARCHITECTURES
from training.architectures.common.base import fresh
from training.cluster import join
from training.fit import fit, seed_everything
from training.labeled import Labeled
from training.learning.mirror import mirrored
from training.model import classifier

RESULTS = Path(__file__).parent / "results" / "recipes.json"
_LEARNED = 45_000


@dataclass(frozen=True)
class Trial:
    """One training: a network, its settings, and what is not as in its recipe."""

    kind: str
    train: Mapping[str, Any]
    model: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def told(self) -> dict[str, Any]:
        """Return all that it depends on but the code: every setting, not only those that were given."""
        architecture = ARCHITECTURES.create(Spec(kind=self.kind, **self.model))
        config = self.config().model_dump(mode="json")
        return {"model": architecture.model_dump(mode="json"), "train": config, "seed": self.seed}

    def config(self) -> TrainConfig:
        """Return how it is trained."""
        recipe = ARCHITECTURES[self.kind].recipe
        return validate(TrainConfig, {**recipe, **self.train}, where="a trial")


def _sizes(*counts: tuple[int, int]) -> dict[str, Any]:
    """Return epochs and sizes, of (epochs, side) one after the other."""
    sizes = [side for epochs, side in counts for _ in range(epochs)]
    return {"epochs": len(sizes), "sizes": sizes}


_WIDE = {"widths": (48, 96, 192)}
TRIALS = {
    "fast-wide-7": Trial("fast", _sizes((5, 24), (2, 32)), _WIDE),
    "fast-wide-8": Trial("fast", _sizes((5, 24), (3, 32)), _WIDE),
    "fast-3": Trial("fast", _sizes((2, 24), (1, 32))),
    "fast-4": Trial("fast", _sizes((3, 24), (1, 32))),
    "fast-8": Trial("fast", _sizes((5, 24), (3, 32))),
    "fast-12": Trial("fast", _sizes((8, 24), (4, 32))),
}


def run(trial: Trial, x: Any, y: Any) -> dict[str, Any]:
    """Train, and return what was found on the rows that were not learned from."""
    architecture = ARCHITECTURES.create(Spec(kind=trial.kind, **trial.model))
    rows, config = Labeled(x[:_LEARNED], y[:_LEARNED]), trial.config()
    start = time.process_time()
    seed_everything(trial.seed)
    model = fresh(architecture, rows, [str(each) for each in range(10)])
    history = fit(
        model, *rows, (x[:10], y[:10]), config, trial.seed, cluster=join(), rates=architecture.rates
    )
    spent = time.process_time() - start
    whole = mirrored(model) if config.mirror_at_test else model
    right = classifier(whole)(x[_LEARNED:]).argmax(1) == y[_LEARNED:]
    return {
        "accuracy": round(float(right.mean()), 4),
        "rows": len(right),
        "cpu_s": round(spent, 1),
        "loss": [round(each, 4) for each in history["loss"]],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials that are named, or all, unless their result is there."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TRIALS))
    top.add_argument("--data", type=Path, required=True)
    top.add_argument("--out", type=Path, default=RESULTS)
    given = top.parse_args(arguments)
    if unknown := [name for name in given.names if name not in TRIALS]:
        top.error(f"there is no trial '{unknown[0]}': {', '.join(TRIALS)}")
    data = load_npz(given.data, only=("x_train", "y_train"))
    x, y = data["x_train"], data["y_train"].reshape(-1).astype(np.int64)
    done = json.loads(given.out.read_text())["trials"] if given.out.exists() else {}
    for name in given.names or TRIALS:
        told = TRIALS[name].told()
        key = digest_json(told)
        if done.get(name, {}).get("key") == key:
            continue
        done[name] = {"key": key, **told, "found": run(TRIALS[name], x, y)}
        write_json_atomic(given.out, {"format": 1, "name": "recipes", "trials": done})
        print(name, done[name]["found"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
