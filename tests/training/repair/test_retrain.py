"""Retraining: what it learned from is what was kept, and nothing of what it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from helpers.training_jobs import built, lay_out, left_or_right, screened

from boomerang.contract import Job
from boomerang.settings import HardenSettings, TrainConfig
from training.cluster import alone
from training.given import open_given
from training.harden import bench_of, repaired
from training.model import weights_digest
from training.repair.retrain import Retrain


def test_the_model_that_it_is_given_does_not_matter_the_kept_rows_do(tmp_path: Path) -> None:
    def retrained(name: str, model: Any, flagged: int) -> str:
        rows = left_or_right(60)
        rows[1][flagged] ^= 1
        ml = lay_out(tmp_path / name, rows, left_or_right(20), TrainConfig(epochs=1, batch=32), repairs=())
        screened(ml, np.arange(60) > 5)
        job = Job(ml, training=True)
        bench = bench_of(open_given(job, job.settings(HardenSettings)), alone())
        return weights_digest(repaired(model, [Retrain()], bench))

    fresh = retrained("fresh", None, 0)
    assert fresh == retrained("other", built(), 5), "the flagged rows are not looked at"
    assert fresh != retrained("kept", None, 6)


def test_where_a_screen_leaves_fewer_rows_than_a_batch_they_are_one(tmp_path: Path) -> None:
    ml = lay_out(tmp_path, left_or_right(60), left_or_right(20), TrainConfig(epochs=1, batch=32), repairs=())
    screened(ml, np.arange(60) < 20)
    job = Job(ml, training=True)
    bench = bench_of(open_given(job, job.settings(HardenSettings)), alone())
    assert len(bench.kept.y) == 20
    repaired(None, [Retrain()], bench)
    assert len(bench.history["loss"]) == 1
