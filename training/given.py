"""What a training job was given, held against its manifests and signatures before TensorFlow is imported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
from training.foreign.taken import brought_to
from training.input_signatures import verify_inputs
from training.labeled import Labeled, joined, picked
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
    past : Dataset or None
        The channel `history`: rows of the past, which no screen looked at; None where there are none.
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
    past: Dataset | None
    keep: Bools | None
    parents: dict[str, str]
    architecture: Architecture

    @cached_property
    def kept(self) -> Labeled:
        """The rows to learn from: all rows of the past, and after them those of `train` that were kept."""
        x, y = self.train.x, self.train.y
        kept = Labeled(x, y) if self.keep is None else picked(x, y, self.keep)
        return kept if self.earlier is None else joined(self.earlier, kept)

    @property
    def earlier(self) -> Labeled | None:
        """The rows of the past."""
        return None if self.past is None else Labeled(self.past.x, self.past.y)

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
    past, keep = None, None
    if job.has_input("history"):
        past = opened(job.input("history"))
        _check_past(past, train)
        parents["history"] = past.manifest.digest
    if job.has_input("screen"):
        keep = open_screen(job.input("screen"), len(train)).keep
        parents["screen"] = read_manifest(job.input("screen")).digest
    if settings.start != "scratch":
        card = verify_model(job.input(settings.start))
        _check_fit(settings.start, card, train)
        parents[settings.start] = card.weights_sha256
    if settings.given is not None:
        architecture = brought_to(job, settings).architecture(Labeled(trusted.x, trusted.y))
    return Given(job, settings, train, trusted, past, keep, parents, architecture)


def _check_past(past: Dataset, data: Dataset) -> None:
    found = [(each.classes, each.manifest.shape[1:]) for each in (past, data)]
    if found[0] != found[1]:
        why = f"classes and images are {found[0]}, those of `train` are {found[1]}"
        raise BadInput("the rows of the past", why, "take both from one Preprocess")


def _check_fit(name: str, card: ModelCard, data: Dataset) -> None:
    if card.classes != data.classes:
        raise BadInput(f"the {name}", "its classes are not the data's", "train it on the same source")
    if card.input_shape != data.manifest.shape[1:]:
        why = f"it takes images {card.input_shape}, the rows are {data.manifest.shape[1:]}"
        raise BadInput(f"the {name}", why, "train it on the same source")
