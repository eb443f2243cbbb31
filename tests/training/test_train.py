"""The training job: what a checkpoint has to agree with to be taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.training_jobs import left_or_right

from boomerang.contract import Job
from boomerang.errors import BadInput
from boomerang.manifest import Dataset, Manifest, commit, write_dataset
from boomerang.settings import ModelConfig, TrainConfig, TrainSettings
from training.cluster import Cluster, alone
from training.model import ARCHITECTURES
from training.train import fingerprint, kept_rows

SETTINGS = TrainSettings(seed=0, model=ModelConfig(), train=TrainConfig())


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """Return ten rows of a job's channel `train`."""
    return write_dataset(tmp_path / "input/data/train", *left_or_right(10), name="t", classes=("a", "b"))


def test_anything_that_the_outcome_depends_on_makes_another_training(data: Dataset, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model, other = (ARCHITECTURES["small"]((16, 16, 1), 2) for _ in range(2))
    rows = left_or_right(10, seed=1)
    changed = write_dataset(tmp_path / "changed", *rows, name="t", classes=("a", "b"))
    keep, one = np.arange(10) < 9, alone()
    fingerprints = [
        fingerprint(SETTINGS, (data, data), None, model, one),
        fingerprint(SETTINGS.model_copy(update={"seed": 1}), (data, data), None, model, one),
        fingerprint(SETTINGS, (changed, data), None, model, one),
        fingerprint(SETTINGS, (data, changed), None, model, one),
        fingerprint(SETTINGS, (data, data), keep, model, one),
        fingerprint(SETTINGS, (data, data), keep[::-1], model, one),
        fingerprint(SETTINGS, (data, data), None, other, one),
        fingerprint(SETTINGS, (data, data), None, model, Cluster(one.strategy, accelerated=True)),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints[0] == fingerprint(SETTINGS, (data, data), None, model, alone())


def test_the_rows_to_keep_have_to_be_of_this_data(data: Dataset, tmp_path: Path) -> None:
    job = Job(tmp_path, training=True)
    assert kept_rows(job, data) is None
    screen = tmp_path / "input/data/screen"
    screen.mkdir()
    for keep in (np.ones(10, np.bool_), np.ones(9, np.bool_), np.ones(10, np.int64)):
        np.save(screen / "keep.npy", keep)
        commit(screen, Manifest(name="t", kind="screen"))
        if keep.dtype == np.bool_ and len(keep) == 10:
            kept = kept_rows(job, data)
            assert kept is not None and kept.all()
        else:
            with pytest.raises(BadInput, match="for 10 rows"):
                kept_rows(job, data)
