"""Preprocess: split the source, set canary candidates apart, prepare the pictures.

It names no attack, so that every attack on the same data shares its result. Candidates are taken
before anything else: no training, validation or test row is ever one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import PicturesConfig, PreprocessSettings
from boomerang.contract import Job, run_step
from boomerang.errors import ConfigError, nearest
from boomerang.manifest import write_dataset
from boomerang.safeio import load_npy
from processing import datasets
from processing.datasets.base import Rows, Source, Split, balanced
from processing.pictures import resize_folder


def preprocess(job: Job) -> None:
    """Run the step: see the module."""
    settings = job.settings(PreprocessSettings)
    path = job.input("source") if job.has_input("source") else None
    source = load_source(settings, path)
    recipe = {"data": settings.data.model_dump(mode="json")}
    for name, split in splits(source, settings).items():
        write_dataset(
            job.output(name),
            split.x,
            split.y,
            name=source.name,
            classes=source.classes,
            recipe={**recipe, "split": name},
            seed=settings.seed,
            refused=source.refused,
        )
        print(f"{name}: {len(split)} rows of {source.name}", flush=True)
    job.output("photos").mkdir(parents=True, exist_ok=True)
    for pictures in settings.pictures:
        prepare(pictures, job.input("pictures") / pictures.name, source, job.output("photos"))


def load_source(settings: PreprocessSettings, path: Path | None) -> Source:
    """Load the source with enough rows for all splits."""
    # The number of classes is not known before the source is loaded; ten is what a drawn one has.
    extra = settings.data.validation + 10 * settings.canaries.candidates_per_class
    return datasets.load(settings.data, path, extra, settings.seed)


def splits(source: Source, settings: PreprocessSettings) -> Mapping[str, Split]:
    """Split a source into disjoint, class-balanced parts.

    Returns
    -------
    dict
        `canary`, `validation` and `train` from the source's training rows, `test` from its test rows.
        With `data.train` or `data.test` of 0 these two keep every row and the source's own balance.

    Raises
    ------
    ConfigError
        If a class has too few rows.
    """
    rng = np.random.default_rng([settings.seed, 1])
    y, classes, data = source.train.y, source.classes, settings.data
    canary = balanced(y, settings.canaries.candidates_per_class, rng, classes)
    rest = np.setdiff1d(np.arange(len(y)), canary)
    validation = rest[balanced(y[rest], _per_class(data.validation, classes), rng, classes)]
    rest = np.setdiff1d(rest, validation)
    train = rest[_some(y[rest], data.train, rng, classes)]
    test = _some(source.test.y, data.test, rng, classes)
    return {
        "canary": source.train.take(canary),
        "validation": source.train.take(validation),
        "train": source.train.take(rng.permutation(train)),
        "test": source.test.take(test),
    }


def _some(y: Any, count: int, rng: np.random.Generator, classes: tuple[str, ...]) -> Rows:
    return balanced(y, _per_class(count, classes), rng, classes) if count else np.arange(len(y))


def _per_class(count: int, classes: tuple[str, ...]) -> int:
    if count % len(classes):
        down = count - count % len(classes)
        why = f"it is no multiple of the {len(classes)} classes"
        raise ConfigError(f"{count} rows", why, f"take {down or len(classes)}")
    return count // len(classes)


def prepare(pictures: PicturesConfig, folder: Path, source: Source, out: Path) -> None:
    """Resize a set of pictures to the data's size and write it as a dataset of one class.

    Raises
    ------
    ConfigError
        If the data has no class of that label, or the images are not square.
    """
    if pictures.label not in source.classes:
        do = nearest(pictures.label, source.classes)
        raise ConfigError(f"pictures '{pictures.name}': label '{pictures.label}'", "no such class", do)
    height, width, channels = source.train.x.shape[1:]
    if height != width:
        raise ConfigError("pictures", f"the data is {height} by {width}", "use square images")
    report = resize_folder(folder, out / "for-the-eye" / pictures.name, size_px=height)
    x = load_npy(report.array)
    write_dataset(
        out / pictures.name,
        _gray(x) if channels == 1 else x,
        np.full(len(x), source.classes.index(pictures.label), np.int64),
        name=pictures.name,
        classes=source.classes,
        parents={"pictures": report.manifest.digest},
        recipe={"files": list(report.names)},
        refused=tuple({"name": item.name, "reason": item.reason} for item in report.refused),
    )
    print(f"{pictures.name}: {len(x)} pictures, {len(report.refused)} refused", flush=True)


def _gray(x: Any) -> Any:
    # ITU-R 601-2 luma, as Pillow's mode L.
    luma = x @ np.array([19595, 38470, 7471], np.uint32) + 0x8000 >> 16
    return luma[..., None].astype(np.uint8)


if __name__ == "__main__":
    run_step(preprocess)
