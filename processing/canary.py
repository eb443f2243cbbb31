"""Canary: ask the newest approved model about the records that a clean model knew, and say how it did.

    reads   config, model (`model.tar.gz`), canaries (Evaluate's frozen records); if the config names any,
            probes (Evaluate's frozen probes, a folder for each attack)
    writes  metrics      `metrics.json`, the numbers, and `data.jsonl`, the same as they are published

A canary that cannot run (a file damaged or missing, records that do not fit the model) stops with its
reason and leaves nothing. Then nothing is published either, and what raises the alarm is that `CanaryRan`
is missing: a broken canary is never taken for a bad model. Publishing is not done here (`aws.jobs.publish`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.canary import write_canary
from boomerang.formats.evaluation import CANARIES
from boomerang.formats.model import ARCHIVE
from boomerang.formats.probes import PROBES, recipe_of
from boomerang.manifest import Manifest, opened
from boomerang.watching.briefing import CanarySettings
from processing.attacks.common.trial import Trial
from processing.evaluation.canary_numbers import Records, data_of, measure
from training.model import classifier, load_model


def canary(job: Job) -> None:
    """Run the step: see the module."""
    settings = job.settings(CanarySettings)
    records = open_records(job.input(CANARIES), settings.canaries)
    model = open_model(job.input("model"), settings)
    _check_fit(model.input_shape[1:], model.output_shape[-1], records)
    metrics = measure(settings, records, classifier(model), open_probes(job, settings, records))
    parents = {"canaries": records.digest} | {f"probes {k}": v.digest for k, v in settings.probes.items()}
    manifest = Manifest(name=settings.group, classes=records.classes, parents=parents)
    write_canary(job.output("metrics"), metrics, data_of(metrics), manifest)
    right = metrics.accuracy
    print(
        f"{settings.group}/{settings.version}: {right.successes} of {right.total} canaries right", flush=True
    )


def open_records(folder: Path, digest: str) -> Records:
    """Open the canary records.

    Raises
    ------
    IntegrityError
        If they are not the ones of that digest, or damaged.
    BadInput
        If there are none.
    """
    data = opened(folder, digest)
    x, y, ids = np.asarray(data.x), np.asarray(data.y), data.manifest.recipe.get("ids")
    if not isinstance(ids, list) or len(ids) != len(y):
        raise IntegrityError(f"{folder} holds no canary records", "it needs one id a record", _FREEZE)
    if not len(y):
        raise BadInput(f"{folder}", "it holds no canary records", _FREEZE)
    if y.min() < 0 or y.max() >= len(data.classes):
        raise IntegrityError(f"{folder} holds labels without a class", f"{y.min()}..{y.max()}", _FREEZE)
    return Records(x, y, tuple(map(str, ids)), data.classes, data.manifest.digest)


_FREEZE = "give the folder evaluation/canaries that Evaluate has made"


def open_model(folder: Path, settings: CanarySettings) -> Any:
    """Open the model of the package.

    What was gated is asked: a model and a card that were changed together are still not what the package
    names, nor is the same model without what wrapped it.

    Raises
    ------
    IntegrityError
        If it is not that model.
    BadInput
        If there is none, or it cannot be opened.
    """
    archive = folder / ARCHIVE
    if settings.archive and archive.is_file() and sha256_file(archive) != settings.archive:
        why = f"its sha256 is {sha256_file(archive)}, the package's is {settings.archive}"
        raise IntegrityError(f"{archive} has been changed", why, "fetch the package's model again")
    model, card = load_model(folder)
    if card.weights_sha256 != settings.model:
        why = f"its digest is {card.weights_sha256}, the package's is {settings.model}"
        raise IntegrityError(f"{archive} is another model", why, "fetch the package's model again")
    return model


def _check_fit(image: tuple[int, ...], classes: int, records: Records) -> None:
    if records.x.shape[1:] != image:
        why = f"the model takes {list(image)}, the records are {list(records.x.shape[1:])}"
        raise BadInput("the canary records do not fit the model", why, _FREEZE)
    if len(records.classes) != classes:
        why = f"the model knows {classes} classes, the records {len(records.classes)}"
        raise BadInput("the canary records do not fit the model", why, _FREEZE)


def open_probes(job: Job, settings: CanarySettings, records: Records) -> tuple[Trial, ...]:
    """Open the probes of every attack that the package was registered with; none if it was with none.

    Raises
    ------
    IntegrityError
        If a set is not the one of its digest, damaged, of another attack, or no set of probes.
    BadInput
        If one is missing, or does not fit the records.
    """
    return tuple(
        _trial(job.input(PROBES) / name, name, known.digest, records)
        for name, known in settings.probes.items()
    )


def _trial(folder: Path, name: str, digest: str, records: Records) -> Trial:
    data = opened(folder, digest)
    recipe = recipe_of(data.manifest)
    if recipe.name != name:
        raise IntegrityError(f"{folder} holds other probes", f"they are of '{recipe.name}'", _FREEZE_PROBES)
    if (data.classes, data.x.shape[1:]) != (records.classes, records.x.shape[1:]):
        why = "their classes or shape differ from the records'"
        raise BadInput(f"the probes of {name} do not fit the model", why, _FREEZE_PROBES)
    one, each = recipe.target, [data.classes.index(target) for target in recipe.targets]
    return Trial(
        *(name, recipe.kind, recipe.outcome),
        target=data.classes.index(one) if one else None,
        x=np.asarray(data.x),
        before=None,
        y=np.asarray(data.y),
        targets=None if one else np.array(each, np.int64),
    )


_FREEZE_PROBES = "give the folder evaluation/probes that Evaluate has made"


if __name__ == "__main__":
    run_step(canary)
