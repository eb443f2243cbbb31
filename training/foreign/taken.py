"""The training job where a model is given: nothing is trained, it is taken as it is.

channel `given`       the file
channel `validation`  the trusted clean rows: what it is fitted to and measured on
channel `X_signature` where the settings have a public key: the signature of channel X, checked first

What it leaves is a model like any other. Its card says what it was.
"""

from __future__ import annotations

from boomerang.contract import Job
from boomerang.digest import sha256_file
from boomerang.errors import ConfigError
from boomerang.formats.model import GivenModel
from boomerang.manifest import opened
from boomerang.safeio import safe_join
from boomerang.settings import TrainSettings
from training.fit import accuracy, answers, seed_everything
from training.foreign.brought import Brought, feature_layer
from training.input_signatures import verify_inputs
from training.labeled import Labeled
from training.model import classifier, save_model

GIVEN = "given"


def brought_to(job: Job, settings: TrainSettings) -> Brought:
    """Return the file in the input `given`; raises ConfigError where the settings name none."""
    if settings.given is None:
        raise ConfigError("'given'", "the settings name no model file", "name it: given.path")
    return Brought(safe_join(job.input(GIVEN), settings.given.path), settings.given)


def take(job: Job, settings: TrainSettings) -> None:
    """Leave the given model, in the form of ours, for SageMaker to pack; the first host does."""
    if job.hosts.index:
        return
    if settings.public_key:
        verify_inputs(job, settings.public_key)
    dataset = opened(job.input("validation"))
    trusted, brought = Labeled(dataset.x, dataset.y), brought_to(job, settings)
    seed_everything(settings.seed)
    brought.check_classes(len(dataset.classes))
    scale = brought.scale(trusted)
    model = brought.fitted(trusted.x.shape[1:], scale)
    given = GivenModel(
        file_sha256=sha256_file(brought.file),
        input_shape=brought.shape,
        scale=scale,
        features=feature_layer(model),
        accuracy=accuracy(answers(classifier(model), trusted.x), trusted.y),
    )
    written = save_model(
        model,
        job.model,
        architecture=settings.model.architecture,
        classes=dataset.classes,
        input_shape=trusted.x.shape[1:],
        seed=settings.seed,
        parents={"validation": dataset.manifest.digest},
        rows=0,
        history={},
        given=given,
    )
    print(f"taken as it is: {brought.name}, images {given.input_shape} of {scale}", flush=True)
    print(f"features: its layer '{given.features}'; right: {given.accuracy:.1%} of the trusted rows")
    print(f"weights {written.weights_sha256}", flush=True)
