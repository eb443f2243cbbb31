"""The training job: baseline, victim and hardened model are this one step with other inputs.

channel `train`       the rows to learn from
channel `validation`  the trusted clean rows, watched only
channel `baseline`    where the settings start from it: the model to fine-tune
channel `screen`      where given: only the rows that the screen kept are learned from
channel `X_signature` where the settings have a public key: the signature of channel X, checked first

Stopped and started again it goes on from its checkpoint; on several hosts all of them run this, and the
first one writes. See docs/training.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.contract import Job, run_step
from boomerang.digest import digest_json, sha256_bytes
from boomerang.errors import BadInput
from boomerang.manifest import Dataset, opened, read_manifest, verify_folder
from boomerang.safeio import load_npy
from boomerang.settings import TrainSettings
from training.checkpoint import Checkpoints
from training.cluster import Cluster, join
from training.fit import fit, seed_everything
from training.input_signatures import verify_inputs
from training.model import ARCHITECTURES, load_model, save_model, weights_digest


def train(job: Job) -> None:
    """Train one model as the job's settings say and leave it for SageMaker to pack."""
    settings = job.settings(TrainSettings)
    if settings.public_key:
        verify_inputs(job, settings.public_key)
    data = opened(job.input("train"))
    trusted = opened(job.input("validation"))
    keep = kept_rows(job, data)
    cluster = join(job.hosts)
    with cluster.united():
        _train(job, settings, (data, trusted), keep, cluster)
        cluster.agree(True)  # the hosts end together, when the model is written


def _train(
    job: Job,
    settings: TrainSettings,
    splits: tuple[Dataset, Dataset],
    keep: npt.NDArray[np.bool_] | None,
    cluster: Cluster,
) -> None:
    """Train, and on the chief write the model and drop the checkpoints."""
    data, trusted = splits
    seed_everything(settings.seed)
    model = starting_model(job, settings, data)
    parents = made_from(job, settings, model)
    checkpoints = Checkpoints(job.checkpoints, fingerprint(settings, splits, keep, model, cluster))
    x, y = (data.x, data.y) if keep is None else (data.x[keep], data.y[keep])
    if cluster.chief:
        print(f"training on {len(x)} of {len(data)} rows of {data.manifest.name}", flush=True)
    validation = (trusted.x, trusted.y)
    history = fit(
        model, x, y, validation, settings.train, settings.seed, cluster=cluster, checkpoints=checkpoints
    )
    if not cluster.chief:
        return
    card = save_model(
        model,
        job.model,
        architecture=settings.model.architecture,
        classes=data.classes,
        input_shape=data.manifest.shape[1:],
        seed=settings.seed,
        parents=parents,
        rows=len(x),
        history=history,
    )
    checkpoints.clear()
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


def made_from(job: Job, settings: TrainSettings, start: Any) -> dict[str, str]:
    """Return the digests of what a model is made from, as its card names them."""
    committed = (name for name in ("train", "validation", "screen") if job.has_input(name))
    digests = {name: read_manifest(job.input(name)).digest for name in committed}
    return digests | ({"baseline": weights_digest(start)} if settings.start == "baseline" else {})


def kept_rows(job: Job, data: Dataset) -> npt.NDArray[np.bool_] | None:
    """Return bool[N], the rows that the screen kept, or None where there was no screen."""
    if not job.has_input("screen"):
        return None
    folder = job.input("screen")
    verify_folder(folder)
    keep = load_npy(folder / "keep.npy")
    if keep.dtype != np.bool_ or keep.shape != (len(data),):
        why = f"it is {keep.dtype}{list(keep.shape)} for {len(data)} rows"
        raise BadInput("the screen's keep.npy", why, "screen the same training set")
    return keep


def fingerprint(
    settings: TrainSettings,
    data: tuple[Dataset, ...],
    keep: npt.NDArray[np.bool_] | None,
    model: Any,
    cluster: Cluster,
) -> str:
    """Return a digest of all that the outcome depends on: a checkpoint is of one training alone."""
    return digest_json(
        {
            "settings": settings.model_dump(mode="json"),
            "data": [each.manifest.digest for each in data],
            "rows": sha256_bytes(keep.tobytes()) if keep is not None else "all",
            "start": weights_digest(model),
            "replicas": cluster.replicas,
            "accelerated": cluster.accelerated,
        }
    )


if __name__ == "__main__":
    run_step(train, training=True)
