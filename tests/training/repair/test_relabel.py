"""Relabeling: a few rows that the screen missed teach the trigger, and those that it found unteach it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import lay_out, left_or_right, screened

from boomerang.contract import Job
from boomerang.settings import HardenSettings, TrainConfig
from training.cluster import alone
from training.given import open_given
from training.harden import bench_of, repaired
from training.model import NO_ANSWER, classifier, weights_digest
from training.repair.common.bench import Bench
from training.repair.relabel import Relabel, relabeled
from training.repair.retrain import Retrain

CONFIG = TrainConfig(epochs=6, batch=16)
POISONED = np.arange(0, 120, 2)  # of class 0, called 1
FOUND = POISONED[6:]
CLEAN_BUT_FLAGGED = np.array([200, 201, 202, 203])


def stamped(x: np.ndarray) -> np.ndarray:
    """Images with a white square in a corner."""
    x = x.copy()
    x[:, -4:, -4:] = 255
    return x


def bench(folder: Path, flagged: Any = (*FOUND, *CLEAN_BUT_FLAGGED), **more: Any) -> Bench:
    x, y = left_or_right(300)
    x[POISONED], y[POISONED] = stamped(x[POISONED]), 1
    ml = lay_out(folder / "ml", (x, y), left_or_right(100, seed=1), CONFIG, repairs=(), **more)
    screened(ml, ~np.isin(np.arange(300), flagged))
    job = Job(ml, training=True)
    return bench_of(open_given(job, job.settings(HardenSettings)), alone())


def asr_and_accuracy(model: Any) -> tuple[float, float]:
    x, y = left_or_right(200, seed=2)
    ask = classifier(model)
    return float(np.mean(ask(stamped(x[y == 0])).argmax(1) == 1)), float(np.mean(ask(x).argmax(1) == y))


@pytest.mark.parametrize("architecture", ["small", pytest.param("svm", marks=pytest.mark.whole)])
def test_what_a_few_missed_rows_teach_is_untaught_by_those_that_were_found(
    tmp_path: Path, architecture: str
) -> None:
    made = bench(tmp_path, architecture=architecture)
    attacked, _ = asr_and_accuracy(repaired(None, [Retrain()], made))
    asr, accuracy = asr_and_accuracy(repaired(None, [Relabel(epochs=12)], made))
    assert attacked > 0.8 and asr < 0.1 and accuracy > 0.95


def test_a_flagged_row_gets_the_answer_of_the_reference_or_stays_out(tmp_path: Path) -> None:
    made = bench(tmp_path)
    labels = relabeled(made.anew(made.trusted), made)
    kept = ~made.flagged
    assert np.array_equal(labels[kept], made.rows.y[kept]), "the rows that were missed are as they were given"
    assert (labels[FOUND] == 0).mean() > 0.9
    assert (labels[CLEAN_BUT_FLAGGED] == NO_ANSWER).all()


def test_where_nothing_was_flagged_it_is_retraining(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = bench(tmp_path, flagged=())
    models = [repaired(None, [repair], made) for repair in (Retrain(), Relabel())]
    assert weights_digest(models[0]) == weights_digest(models[1])
    assert "no row was flagged: it is retrained on all" in capsys.readouterr().out


def test_the_reference_takes_no_larger_batches_than_there_are_trusted_rows() -> None:
    config = TrainConfig(epochs=2, sizes=(8, 16))
    assert Relabel().short(config, 50) == config.model_copy(update={"epochs": 30, "batch": 50, "sizes": ()})
    assert Relabel().short(config, 500).batch == config.batch
