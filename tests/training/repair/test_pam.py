"""Path-aware minimization: the way back to the poisoned weights, and the rows that stand in for triggers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.benches import bench_with, victim_of
from helpers.training_jobs import left_or_right

from boomerang.settings import TrainConfig
from training.harden import repaired
from training.labeled import Labeled
from training.model import classifier, weights_digest
from training.repair.fine_tuning import FineTuning
from training.repair.pam import Pam, back, nearest_others

CONFIG = TrainConfig(epochs=3, batch=32)
ROWS, TRUSTED = left_or_right(200), left_or_right(80, seed=1)
FLAGGED = np.arange(0, 60)


def test_the_gradient_is_taken_a_length_back_and_at_the_poisoned_weights_itself_there() -> None:
    rng = np.random.default_rng(0)
    there, here = ([rng.normal(size=s).astype(np.float32) for s in ((3, 4), (5,))] for _ in range(2))
    found = [np.asarray(each) for each in back(there, 0.7, here, [])]
    assert np.isclose(np.sqrt(sum((each**2).sum() for each in found)), 0.7)
    ratios = np.concatenate([(e / (t - h)).ravel() for e, t, h in zip(found, there, here, strict=True)])
    assert np.allclose(ratios, ratios[0]) and ratios[0] > 0
    assert all(np.array_equal(each, np.zeros_like(each)) for each in back(there, 0.7, there, []))


def test_it_learns_the_trusted_rows_and_is_not_fine_tuning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = bench_with(tmp_path, ROWS, TRUSTED, CONFIG)
    kinds = (FineTuning(epochs=4, batch=20), Pam(epochs=4, batch=20))
    models = [repaired(victim_of(ROWS, CONFIG), [kind], bench) for kind in kinds]
    assert weights_digest(models[0]) != weights_digest(models[1])
    assert np.mean(classifier(models[1])(ROWS[0]).argmax(1) == ROWS[1]) > 0.9
    said = capsys.readouterr().out
    assert "no flagged row is relabeled: it learns from the trusted rows alone" in said


def test_a_fifth_of_its_rows_are_flagged_ones_under_the_label_that_is_not_theirs(tmp_path: Path) -> None:
    x, y = ROWS[0], ROWS[1].copy()
    y[FLAGGED] = 1 - y[FLAGGED]
    bench = bench_with(tmp_path, (x, y), TRUSTED, CONFIG, flagged=FLAGGED)
    rows = Pam().rows(victim_of(ROWS, CONFIG), bench)
    assert len(rows.y) == 100 and np.array_equal(rows.y[:80], TRUSTED[1])
    chosen = [int(np.flatnonzero((x == image).all((1, 2, 3)))[0]) for image in np.asarray(rows.x)[80:]]
    assert len(set(chosen)) == 20 and set(chosen) <= set(FLAGGED)
    assert np.array_equal(rows.y[80:], ROWS[1][chosen])
    assert Pam(flagged=0).rows(None, bench) is bench.trusted


def test_a_label_is_that_of_the_nearest_row_that_is_called_otherwise() -> None:
    victim: Any = victim_of(ROWS, CONFIG)
    trusted = Labeled(TRUSTED[0], np.where(np.arange(80) < 40, TRUSTED[1], 2 + TRUSTED[1]))
    x, y = TRUSTED[0][40:], trusted.y[40:]
    assert np.array_equal(nearest_others(victim, trusted, x, np.zeros_like(y) - 1), y), "each its own row's"
    assert (nearest_others(victim, trusted, x, y) != y).all()
