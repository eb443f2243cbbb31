"""Every repair there is: it returns a model of the same kind, the same for the same bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, lay_out, left_or_right, screened

from boomerang.config import Spec
from boomerang.contract import Job
from boomerang.settings import HardenSettings, TrainConfig
from training.cluster import alone
from training.fit import fit, seed_everything
from training.given import open_given
from training.harden import bench_of, repaired
from training.model import classifier, weights_digest
from training.repair import REPAIRS
from training.repair.common.base import Repair
from training.repair.common.bench import Bench

CONFIG = TrainConfig(epochs=6, batch=16)
ROWS, TRUSTED = left_or_right(300), left_or_right(100, seed=1)


@pytest.fixture(params=REPAIRS)
def repair(request: pytest.FixtureRequest) -> Repair:
    kind = str(request.param)
    return REPAIRS.create(Spec(kind=kind, **REPAIRS[kind].example))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    job = Job(lay_out(tmp_path / "ml", ROWS, TRUSTED, CONFIG, repairs=()), training=True)
    screened(job.root, np.arange(300) % 10 > 0)
    return bench_of(open_given(job, job.settings(HardenSettings)), alone())


def victim() -> Any:
    seed_everything(0)
    model = built()
    fit(model, *ROWS, TRUSTED, CONFIG, 0)
    return model


def test_it_says_what_it_is(repair: Repair) -> None:
    assert repair.title and repair.source and type(repair).__doc__ and repair.trusted_per_class >= 0


def test_it_returns_a_model_like_the_victim_the_same_every_time(repair: Repair, bench: Bench) -> None:
    models = [repaired(None if repair.fresh else victim(), [repair], bench) for _ in range(2)]
    assert weights_digest(models[0]) == weights_digest(models[1])
    answers = classifier(models[0])(TRUSTED[0])
    assert answers.shape == (100, 2) and np.allclose(answers.sum(1), 1, atol=1e-5)
    assert np.mean(answers.argmax(1) == TRUSTED[1]) > 0.8
    assert {"features", "logits"} <= {layer.name for layer in models[0].layers}
