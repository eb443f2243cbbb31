"""Fine-tuning: it learns the trusted rows, and looks at no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.benches import bench_with
from helpers.training_jobs import built, left_or_right

from boomerang.settings import TrainConfig
from training.fit import seed_everything
from training.harden import repaired
from training.model import classifier, weights_digest
from training.repair.fine_tuning import FineTuning

X, Y = left_or_right(60)
TRUSTED = left_or_right(100, seed=1)


def test_what_the_victim_learned_from_does_not_matter(tmp_path: Path) -> None:
    digests = []
    for name, labels in (("right", Y), ("wrong", 1 - Y)):
        seed_everything(0)
        bench = bench_with(tmp_path / name, (X, labels), TRUSTED, TrainConfig(epochs=1))
        model = repaired(built(), [FineTuning(epochs=12, batch=20)], bench)
        digests.append(weights_digest(model))
    assert digests[0] == digests[1]
    assert np.mean(classifier(model)(X).argmax(1) == Y) > 0.95


@pytest.mark.parametrize(("rows", "batch"), [(50, 50), (1000, 64)])
def test_its_batches_are_no_larger_than_its_rows_and_what_it_does_not_say_is_as_in_train(
    tmp_path: Path, rows: int, batch: int
) -> None:
    config = TrainConfig(epochs=2, sizes=(8, 16), shift=2, mirror="random", warmup=0.5)
    recipe = FineTuning().recipe(bench_with(tmp_path, (X, Y), TRUSTED, config), rows)
    assert (recipe.epochs, recipe.batch, recipe.sizes) == (100, batch, ())
    assert (recipe.shift, recipe.mirror, recipe.warmup) == (2, "random", 0)
