"""What a training job was given, held against its manifests and signatures before TensorFlow is imported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from boomerang.contract import Job
from boomerang.digest import digest_json, sha256_bytes
from boomerang.errors import BadInput
from boomerang.formats.model import ModelCard, Record, verify_model
from boomerang.formats.screen import open_screen
from boomerang.manifest import Bools, Dataset, opened, read_manifest
from boomerang.settings import TrainSettings
from training.architectures import ARCHITECTURES
from training.architectures.common.base import Architecture, fresh
from training.checkpoint import Checkpoints
from training.cluster import Cluster
from training.input_signatures import verify_inputs
from training.labeled import Labeled, picked
from training.learning.mirror import mirrored, plain
from training.learning.precision import taken
from training.model import load_model, save_model, weights_digest


@dataclass(frozen=True)
class Given:
    """The settings and inputs of a training job, verified.

    Attributes
    ----------
    job : Job
    settings : TrainSettings
    train, trusted : Dataset
        The channels `train` and `validation`.
    keep : bool[N] or None
        The rows that the screen kept; None where there was no screen.
    parents : dict of str to str
        Digests of what the model will be made from, by channel.
    architecture : Architecture
    """

    job: Job
    settings: TrainSettings
    train: Dataset
    trusted: Dataset
    keep: Bools | None
    parents: dict[str, str]
    architecture: Architecture

    @cached_property
    def kept(self) -> Labeled:
        """The rows to learn from."""
        x, y = self.train.x, self.train.y
        return Labeled(x, y) if self.keep is None else picked(x, y, self.keep)

    @cached_property
    def flagged(self) -> Labeled:
        """The rows that the screen did not keep."""
        out = np.zeros(len(self.train), bool) if self.keep is None else ~self.keep
        return picked(self.train.x, self.train.y, out)

    @property
    def validation(self) -> Labeled:
        """The trusted rows."""
        return Labeled(self.trusted.x, self.trusted.y)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images."""
        height, width, channels = self.train.manifest.shape[1:]
        return height, width, channels

    def start(self) -> Any:
        """Return the model that the training starts from: a fresh one, or a copy of the given one."""
        if self.settings.start == "scratch":
            return fresh(self.architecture, self.kept, self.train.classes)
        return plain(load_model(self.job.input(self.settings.start))[0])

    def finished(self, model: Any) -> Any:
        """Return a trained model as it is to be saved: with its mirror, if the settings want it."""
        wanted = self.settings.train.mirror_at_test and self.architecture.in_steps
        return mirrored(model) if wanted else model

    def checkpoints(self, model: Any, cluster: Cluster, number: int = 0) -> Checkpoints:
        """Return where a training of this job goes on from; see `fingerprint`.

        What is written there outlives the training until the model is written: a job that is stopped in its
        second training goes through the first one in no time.
        """
        root = self.job.checkpoints
        folder = root / str(number) if number else root
        return Checkpoints(folder, self.fingerprint(model, cluster, number))

    def fingerprint(self, model: Any, cluster: Cluster, number: int = 0) -> str:
        """Return a digest of all that the outcome depends on: a checkpoint is of one training alone.

        Parameters
        ----------
        model : keras.Model
            What it starts from.
        cluster : Cluster
        number : int
            Of the trainings of one job, which.
        """
        return digest_json(
            {
                "settings": self.settings.model_dump(mode="json"),
                "data": [each.manifest.digest for each in (self.train, self.trusted)],
                "parents": self.parents,
                "rows": sha256_bytes(self.keep.tobytes()) if self.keep is not None else "all",
                "start": weights_digest(model),
                "number": number,
                "replicas": cluster.replicas,
                "computing": taken(self.settings.train, cluster).words,
            }
        )

    def save(self, model: Any, record: Record | None = None, **card: Any) -> None:
        """Leave the model for SageMaker to pack; `card` is what its card says beyond what was given."""
        written = save_model(
            self.finished(model),
            self.job.model,
            record,
            architecture=self.settings.model.architecture,
            classes=self.train.classes,
            input_shape=self.input_shape,
            seed=self.settings.seed,
            parents=self.parents,
            rows=len(self.kept.x),
            **card,
        )
        print(f"weights {written.weights_sha256}", flush=True)


def open_given(job: Job, settings: TrainSettings) -> Given:
    """Verify and open the inputs of a training job.

    Raises
    ------
    IntegrityError
        If one of them is not, to the byte, what was made; with a public key in the settings, also if it is
        not what was signed.
    BadInput
        If one is missing, or does not fit the others.
    ConfigError
        If there is no such architecture.
    """
    architecture = ARCHITECTURES.create(settings.model.spec)
    if settings.public_key:
        verify_inputs(job, settings.public_key)
    train, trusted = opened(job.input("train")), opened(job.input("validation"))
    parents = {"train": train.manifest.digest, "validation": trusted.manifest.digest}
    keep = None
    if job.has_input("screen"):
        keep = open_screen(job.input("screen"), len(train)).keep
        parents["screen"] = read_manifest(job.input("screen")).digest
    if settings.start != "scratch":
        card = verify_model(job.input(settings.start))
        _check_fit(settings.start, card, train)
        parents[settings.start] = card.weights_sha256
    return Given(job, settings, train, trusted, keep, parents, architecture)


def _check_fit(name: str, card: ModelCard, data: Dataset) -> None:
    if card.classes != data.classes:
        raise BadInput(f"the {name}", "its classes are not the data's", "train it on the same source")
    if card.input_shape != data.manifest.shape[1:]:
        why = f"it takes images {card.input_shape}, the rows are {data.manifest.shape[1:]}"
        raise BadInput(f"the {name}", why, "train it on the same source")
