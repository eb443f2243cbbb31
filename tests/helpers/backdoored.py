"""A small network with a backdoor, and a bench to repair it on: class 0 with a white square is called 1."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job
from boomerang.settings import HardenSettings, TrainConfig
from helpers.training_jobs import built, lay_out, left_or_right
from training.cluster import alone
from training.fit import fit, seed_everything
from training.given import open_given
from training.harden import bench_of
from training.model import classifier
from training.repair.common.bench import Bench

CONFIG = TrainConfig(epochs=6, batch=16)
TRUSTED = left_or_right(100, seed=1)


def with_square(x: np.ndarray) -> np.ndarray:
    """Return images with a white square in a corner."""
    x = x.copy()
    x[:, -4:, -4:] = 255
    return x


def poisoned_rows() -> tuple[np.ndarray, np.ndarray]:
    """Return uint8[300, 16, 16, 1] and int64[300]: 60 rows of class 0 have the square and are called 1."""
    x, y = left_or_right(300)
    poisoned = np.arange(0, 120, 2)
    x[poisoned], y[poisoned] = with_square(x[poisoned]), 1
    return x, y


@cache
def _weights() -> list[np.ndarray]:
    seed_everything(0)
    model = built()
    fit(model, *poisoned_rows(), TRUSTED, CONFIG, 0)
    return list(model.get_weights())


def victim() -> Any:
    """Return the network `small`, trained on the poisoned rows once a session."""
    weights = _weights()
    seed_everything(0)
    model = built()
    model.set_weights(weights)
    return model


def bench_in(folder: Path, **more: Any) -> Bench:
    """Return a bench with the poisoned rows, 100 trusted ones and no screen."""
    ml = lay_out(folder / "ml", poisoned_rows(), TRUSTED, CONFIG, repairs=(), **more)
    job = Job(ml, training=True)
    return bench_of(open_given(job, job.settings(HardenSettings)), alone())


def asr_and_accuracy(model: Any) -> tuple[float, float]:
    """Return the share of class 0 that is called 1 with the square, and the accuracy without it."""
    x, y = left_or_right(200, seed=2)
    ask = classifier(model)
    return float(np.mean(ask(with_square(x[y == 0])).argmax(1) == 1)), float(np.mean(ask(x).argmax(1) == y))
