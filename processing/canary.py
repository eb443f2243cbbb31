"""Canary: ask the newest approved model about the records that a clean model knew, and say how it did.

    reads   config, model (`model.tar.gz`), canaries (Evaluate's frozen records); to measure attacks also
            triggers (Poison's `trigger` folder), probes (a test set) and photos (sets of pictures)
    writes  metrics      `metrics.json`, the numbers, and `data.jsonl`, the same as they are published

A canary that cannot run (a file damaged or missing, records that do not fit the model) stops with its
reason and leaves nothing. Then nothing is published either, and what raises the alarm is that `CanaryRan`
is missing: a broken canary is never taken for a bad model. Publishing is not done here (`aws.publish`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.history import DATA_FILE, as_line
from boomerang.manifest import Dataset, Manifest, commit, committing, open_dataset, verify_folder
from boomerang.safeio import write_bytes_atomic, write_json_atomic
from processing.attacks.trigger import Trigger, load_trigger
from processing.canary_metrics import CanarySettings, Records, data_of, measure
from processing.judge import Trial
from processing.trials import trials
from training.model import classifier, load_model, weights_digest

METRICS_FILE = "metrics.json"


def canary(job: Job) -> None:
    """Run the step: see the module."""
    settings = job.settings(CanarySettings)
    records = open_records(job.input("canaries"), settings.canaries)
    model = open_model(job.input("model"), settings)
    _check_fit(model.input_shape[1:], model.output_shape[-1], records)
    metrics = measure(settings, records, classifier(model), *_attacks(job, settings, records))
    with committing(job.output("metrics")) as out:
        write_json_atomic(out / METRICS_FILE, metrics.model_dump(mode="json"))
        write_bytes_atomic(out / DATA_FILE, b"".join(as_line(datum) for datum in data_of(metrics)))
        parents = {"canaries": records.digest}
        commit(out, Manifest(name=settings.group, kind="canary", classes=records.classes, parents=parents))
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
    data = _verified(folder, digest)
    x, y, ids = np.asarray(data.x), np.asarray(data.y), data.manifest.recipe.get("ids")
    if not isinstance(ids, list) or len(ids) != len(y):
        raise IntegrityError(f"{folder} holds no canary records", "it needs one id a record", _FREEZE)
    if not len(y):
        raise BadInput(f"{folder}", "it holds no canary records", _FREEZE)
    if y.min() < 0 or y.max() >= len(data.classes):
        raise IntegrityError(f"{folder} holds labels without a class", f"{y.min()}..{y.max()}", _FREEZE)
    return Records(x, y, tuple(map(str, ids)), data.classes, data.manifest.digest)


_FREEZE = "give the folder evaluation/canaries that Evaluate has made"


def _verified(folder: Path, digest: str | None) -> Dataset:
    found = verify_folder(folder).digest
    if digest not in (None, found):
        why = f"its digest is {found}, the package's is {digest}"
        raise IntegrityError(f"{folder} is not what the package names", why, "fetch the folder of its run")
    return open_dataset(folder)


def open_model(folder: Path, settings: CanarySettings) -> Any:
    """Open the model of the package.

    The weights are digested once they are loaded: a model and a card that were changed together are
    still not what the package names.

    Raises
    ------
    IntegrityError
        If it is not that model.
    BadInput
        If there is none, or it cannot be opened.
    """
    archive = folder / "model.tar.gz"
    if settings.archive and archive.is_file() and sha256_file(archive) != settings.archive:
        why = f"its sha256 is {sha256_file(archive)}, the package's is {settings.archive}"
        raise IntegrityError(f"{archive} has been changed", why, "fetch the package's model again")
    model, _ = load_model(folder)
    if weights_digest(model) != settings.model:
        why = f"its weights' digest is {weights_digest(model)}, the package's is {settings.model}"
        raise IntegrityError(f"{archive} is another model", why, "fetch the package's model again")
    return model


def _check_fit(image: tuple[int, ...], classes: int, records: Records) -> None:
    if records.x.shape[1:] != image:
        why = f"the model takes {list(image)}, the records are {list(records.x.shape[1:])}"
        raise BadInput("the canary records do not fit the model", why, _FREEZE)
    if len(records.classes) != classes:
        why = f"the model knows {classes} classes, the records {len(records.classes)}"
        raise BadInput("the canary records do not fit the model", why, _FREEZE)


def _attacks(
    job: Job, settings: CanarySettings, records: Records
) -> tuple[tuple[Trial, ...], dict[str, str]]:
    """Return what can be measured of each trigger, and why another cannot."""
    if not (job.has_input("triggers") and job.has_input("probes")):
        return (), {}
    triggers = load_trigger(job.input("triggers"))
    probes = _verified(job.input("probes"), settings.probes)
    if (probes.classes, probes.x.shape[1:]) != (records.classes, records.x.shape[1:]):
        raise BadInput("the probes do not fit the model", "their classes or shape differ from the records'")
    photos = _photos(job)
    why = {trigger.name: _cannot(trigger, photos) for trigger in triggers}
    able = [trigger for trigger in triggers if not why[trigger.name]]
    return trials(able, probes, photos), {name: text for name, text in why.items() if text}


def _photos(job: Job) -> dict[str, Dataset]:
    if not job.has_input("photos"):
        return {}
    folders = sorted(file.parent for file in job.input("photos").glob("*/manifest.json"))
    return {folder.name: _verified(folder, None) for folder in folders}


def _cannot(trigger: Trigger, photos: Mapping[str, Dataset]) -> str:
    if trigger.target is None or trigger.outcome == "untargeted":
        return "it aims at no class"
    absent = [name for name in trigger.pictures if name not in photos]
    return f"its pictures are not given: {', '.join(absent)}" if absent else ""


if __name__ == "__main__":
    run_step(canary)
