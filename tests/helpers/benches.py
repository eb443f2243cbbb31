"""A bench for repairs in tests, as the hardening job makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job
from boomerang.settings import HardenSettings, TrainConfig
from helpers.training_jobs import built, lay_out, screened
from training.cluster import alone
from training.fit import fit, seed_everything
from training.given import open_given
from training.harden import bench_of
from training.repair.common.bench import Bench

Rows = tuple[np.ndarray, np.ndarray]


def bench_with(
    folder: Path, rows: Rows, trusted: Rows, config: TrainConfig, flagged: Any = None, **more: Any
) -> Bench:
    """Return a bench with rows, of which a screen flagged some, if there was one."""
    ml = lay_out(folder, rows, trusted, config, repairs=(), **more)
    if flagged is not None:
        screened(ml, ~np.isin(np.arange(len(rows[1])), flagged))
    job = Job(ml, training=True)
    return bench_of(open_given(job, job.settings(HardenSettings)), alone())


def victim_of(rows: Rows, config: TrainConfig) -> Any:
    """Return a small network that has learned rows."""
    seed_everything(0)
    model = built()
    fit(model, *rows, rows, config, 0)
    return model
