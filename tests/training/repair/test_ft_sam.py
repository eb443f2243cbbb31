"""FT-SAM: where the gradient is taken, and that this is where another model comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.benches import bench_with, victim_of
from helpers.training_jobs import left_or_right

from boomerang.settings import TrainConfig
from training.harden import repaired
from training.model import classifier, weights_digest
from training.repair.fine_tuning import FineTuning
from training.repair.ft_sam import FtSam, sharpest

CONFIG = TrainConfig(epochs=8, batch=32)
ROWS, TRUSTED = left_or_right(200), left_or_right(60, seed=1)


def test_the_offset_is_that_of_the_paper_and_of_the_first_order_the_steepest_in_its_ball() -> None:
    rng = np.random.default_rng(0)
    weights, gradients = ([rng.normal(size=s).astype(np.float32) for s in ((3, 4), (5,))] for _ in range(2))
    found = [np.asarray(each) for each in sharpest(2.0, weights, gradients)]
    norm = np.sqrt(sum(((np.abs(w) * g) ** 2).sum() for w, g in zip(weights, gradients, strict=True)))
    for each, w, g in zip(found, weights, gradients, strict=True):
        np.testing.assert_allclose(each, 2.0 * w**2 * g / norm, rtol=1e-5)
    radius = np.sqrt(sum(((e / w) ** 2).sum() for e, w in zip(found, weights, strict=True)))
    assert np.isclose(radius, 2.0, rtol=1e-4), "in each weight's own size the radius is rho"


def test_where_there_is_no_slope_there_is_no_offset() -> None:
    (found,) = sharpest(2.0, [np.ones(3, np.float32)], [np.zeros(3, np.float32)])
    assert np.array_equal(found, np.zeros(3))


def test_it_learns_the_trusted_rows_and_is_not_fine_tuning(tmp_path: Path) -> None:
    bench = bench_with(tmp_path, ROWS, TRUSTED, CONFIG)
    settings = {"epochs": 4, "batch": 20, "label_smoothing": 0.1}
    kinds = (FineTuning(**settings), FtSam(**settings), FtSam(**settings, rho=0.1))
    models = [repaired(victim_of(ROWS, CONFIG), [kind], bench) for kind in kinds]
    assert len(set(map(weights_digest, models))) == 3
    assert all(np.mean(classifier(model)(ROWS[0]).argmax(1) == ROWS[1]) > 0.9 for model in models)
