"""The training job: baseline, victim and hardened model are this one step with other inputs.

channel `train`       the rows to learn from
channel `validation`  the trusted clean rows, watched only
channel `baseline`    where the settings start from it: the model to fine-tune
channel `screen`      where given: only the rows that the screen kept are learned from
"""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.config import TrainSettings
from boomerang.contract import Job, run_step
from boomerang.errors import BadInput
from boomerang.manifest import Dataset, Images, Labels, open_dataset, read_manifest
from boomerang.safeio import load_npy
from training.fit import fit, seed_everything
from training.model import ARCHITECTURES, load_model, save_model


def train(job: Job) -> None:
    """Train one model as the job's settings say and leave it for SageMaker to pack."""
    settings = job.settings(TrainSettings)
    data = open_dataset(job.input("train"))
    trusted = open_dataset(job.input("validation"))
    seed_everything(settings.seed)
    model = starting_model(job, settings, data)
    x, y = learned_rows(job, data)
    print(f"training on {len(x)} of {len(data)} rows of {data.manifest.name}", flush=True)
    history = fit(model, x, y, (trusted.x, trusted.y), settings.train, settings.seed)
    card = save_model(
        model,
        job.model,
        architecture=settings.model.architecture,
        classes=data.classes,
        input_shape=data.manifest.shape[1:],
        seed=settings.seed,
        data=data.manifest.digest,
        rows=len(x),
        history=history,
    )
    print(f"weights {card.weights_sha256}", flush=True)


def starting_model(job: Job, settings: TrainSettings, data: Dataset) -> Any:
    """Return a fresh model, or the baseline where the settings start from it."""
    if settings.start == "baseline":
        model, card = load_model(job.input("baseline"))
        if card.classes != data.classes:
            raise BadInput("the baseline", "its classes are not the data's", "train it on the same source")
        return model
    shape = data.manifest.shape
    return ARCHITECTURES[settings.model.architecture]((shape[1], shape[2], shape[3]), len(data.classes))


def learned_rows(job: Job, data: Dataset) -> tuple[Images, Labels]:
    """Return the rows to learn from: those that the screen kept, or all where there was none."""
    if not job.has_input("screen"):
        return data.x, data.y
    folder = job.input("screen")
    read_manifest(folder)
    keep = load_npy(folder / "keep.npy")
    if keep.dtype != np.bool_ or keep.shape != (len(data),):
        why = f"it is {keep.dtype}{list(keep.shape)} for {len(data)} rows"
        raise BadInput("the screen's keep.npy", why, "screen the same training set")
    return data.x[keep], data.y[keep]


if __name__ == "__main__":
    run_step(train, training=True)
