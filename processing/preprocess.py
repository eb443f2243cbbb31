"""Preprocess: split the source, set canary candidates apart, prepare the pictures.

    reads   config, source (where the config names files), pictures (where it has any),
            parts (where several machines shared the drawing, decoding and resizing)
    writes  train, validation   datasets
            history             a dataset, where the config wants rows of the past; `train` is the delivery
            heldout             two datasets for Evaluate: `test`, and `canary`, the candidates (one
                                output, because a processing job takes ten inputs)
            photos              a dataset each set of pictures, and `for-the-eye`

It names no attack, so that every attack on the same data shares its result. Candidates are taken
before anything else: no training, validation or test row is ever one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.blocks import new_dataset, row_digests
from boomerang.contract import Job, run_step
from boomerang.errors import ConfigError, nearest
from boomerang.formats.notices import Notice
from boomerang.manifest import Bools, Labels, Manifest, Rows, write_dataset
from boomerang.safeio import display_name
from boomerang.settings import PicturesConfig, PreprocessSettings
from processing.datasets.common.base import check_source
from processing.datasets.common.choice import blueprint_of
from processing.datasets.common.corpus import Blueprint, Corpus, Request, Split, balanced
from processing.pictures.gray import luma
from processing.pictures.listing import hidden, listed
from processing.pictures.task import resizing, unread, write_resized
from processing.sharing.shares import worker
from processing.sharing.tasks import Piece, Task

STEP = "Preprocess"

# Of the deal to suppliers, whose draws are no part of the split's: the rows are the same with and without.
_DEAL = 2
# A stream of its own, which neither the other splits nor an attack draws from.
_OWN_DRAW = (1, 1)
_FOLDERS = {"test": "heldout/test", "canary": "heldout/canary"}


def preprocess(job: Job) -> None:
    """Run the step: see the module."""
    settings, do = job.settings(PreprocessSettings), worker(job, STEP)
    blueprint = draft(job, settings)
    resize = picture_tasks(job, settings, blueprint)
    corpus = blueprint.build(do)
    recipe = {"data": settings.data.model_dump(mode="json")}
    notices = [Notice(kind="converted", what=corpus.name, why=note) for note in corpus.notes]
    for name, split in splits(corpus, settings).items():
        manifest = Manifest(
            name=corpus.name,
            classes=corpus.classes,
            recipe={**recipe, "split": name},
            seed=settings.seed,
            refused=corpus.refused,
            source_names=corpus.source_names or settings.data.supplier_names,
        )
        folder = job.output(_FOLDERS.get(name, name))
        # A supplier says of each row what it is; of sources that the data names nobody knows it.
        vouch = row_digests if name == "train" and settings.data.suppliers else None
        with new_dataset(
            folder, len(split), split.shape[1:], manifest, split.sources, vouch, notices
        ) as arrays:
            split.fill(*arrays)
        print(f"{name}: {len(split)} rows of {corpus.name}", flush=True)
    job.output("photos").mkdir(parents=True, exist_ok=True)
    for pictures in settings.pictures:
        folder = job.input("pictures") / pictures.name
        prepare(pictures, folder, do(resize[pictures.name]), blueprint, job.output("photos"))


def tasks(job: Job) -> Iterator[Task]:
    """Give the work of this step that several machines may share."""
    settings = job.settings(PreprocessSettings)
    blueprint = draft(job, settings)
    yield from blueprint.tasks
    yield from picture_tasks(job, settings, blueprint).values()


def draft(job: Job, settings: PreprocessSettings) -> Blueprint:
    """Return the source with enough rows for all splits, still to be built."""
    data = settings.data
    path = job.input("source") if data.path or job.has_input("source") else None
    # The number of classes is not known before the source is loaded; ten is what a drawn one has.
    extra = data.validation + 10 * settings.canaries.candidates_per_class
    request = Request(path, data.name, data.train, data.test, extra, settings.seed)
    return blueprint_of(check_source(data), request, data.classes)


def splits(corpus: Corpus, settings: PreprocessSettings) -> Mapping[str, Split]:
    """Split a corpus into disjoint, class-balanced parts.

    Returns
    -------
    dict
        `canary`, `validation` and `train` from the training rows, `test` from the test rows. Where the data
        has validation rows apart, `validation` is of those.
        With `data.train` or `data.test` of 0 these two keep every row and the data's own balance.
        With `data.history` also `history`, so many rows of those that `train` would have, and `train` has the
        others; the rest of the splits are what they are without.

    Raises
    ------
    ConfigError
        If a class has too few rows, or suppliers are asked for where the data has sources.
    """
    rng = np.random.default_rng([settings.seed, 1])
    y, classes, data = corpus.train.y, corpus.classes, settings.data
    canary = balanced(y, settings.canaries.candidates_per_class, rng, classes)
    rest = np.setdiff1d(np.arange(len(y)), canary)
    trusted, trusted_per_class = corpus.validation, _per_class(data.validation, classes)
    if trusted is None:
        validation = rest[balanced(y[rest], trusted_per_class, rng, classes)]
        rest, trusted = np.setdiff1d(rest, validation), corpus.train.take(validation)
    else:
        trusted = trusted.take(balanced(trusted.y, trusted_per_class, rng, classes))
    train = rest[_some(y[rest], data.train, rng, classes)]
    test = _some(corpus.test.y, data.test, rng, classes)
    train = rng.permutation(train)
    past = _past(y[train], settings, classes)
    history = {"history": corpus.train.take(train[past])} if past.any() else {}
    return {
        "canary": corpus.train.take(canary),
        "validation": trusted,
        **history,
        "train": _dealt(corpus, corpus.train.take(train[~past]), settings),
        "test": corpus.test.take(test),
    }


def _dealt(corpus: Corpus, split: Split, settings: PreprocessSettings) -> Split:
    """Return the rows dealt by lot to the suppliers that the settings ask for, each as many."""
    suppliers = settings.data.suppliers
    if not suppliers:
        return split
    if corpus.source_names:
        why = "the data says itself who delivered each row"
        raise ConfigError(f"'data.suppliers' = {suppliers}", why, "set it to 0, or leave out the sources")
    rng = np.random.default_rng([settings.seed, _DEAL])
    return replace(split, sources=rng.permutation(len(split)) % suppliers)


def _past(y: Labels, settings: PreprocessSettings, classes: tuple[str, ...]) -> Bools:
    """Return bool[N], which of the training rows are rows of the past.

    Raises
    ------
    ConfigError
        If they leave a class without a row to be delivered.
    """
    count, past = settings.data.history, np.zeros(len(y), bool)
    if not count:
        return past
    per_class, rows = _per_class(count, classes), np.bincount(y, minlength=len(classes))
    if per_class >= rows.min():
        why = (
            f"class '{classes[rows.argmin()]}' has {rows.min()} training rows, and {per_class} would be taken"
        )
        raise ConfigError(
            f"'data.history' {count}", why, "lower it, so that a row of each class is delivered"
        )
    past[balanced(y, per_class, np.random.default_rng([settings.seed, *_OWN_DRAW]), classes)] = True
    return past


def _some(y: Any, count: int, rng: np.random.Generator, classes: tuple[str, ...]) -> Rows:
    return balanced(y, _per_class(count, classes), rng, classes) if count else np.arange(len(y))


def _per_class(count: int, classes: tuple[str, ...]) -> int:
    if count % len(classes):
        down = count - count % len(classes)
        why = f"it is no multiple of the {len(classes)} classes"
        raise ConfigError(f"{count} rows", why, f"take {down or len(classes)}")
    return count // len(classes)


def picture_tasks(job: Job, settings: PreprocessSettings, blueprint: Blueprint) -> dict[str, Task]:
    """Return, by the name of each set of pictures, the task of resizing it to the data's size.

    Raises
    ------
    ConfigError
        If the data has no class of a set's label.
    BadInput
        If a set has no file.
    """
    return {
        pictures.name: _picture_task(pictures, job.input("pictures") / pictures.name, blueprint)
        for pictures in settings.pictures
    }


def _picture_task(pictures: PicturesConfig, folder: Path, blueprint: Blueprint) -> Task:
    if pictures.label not in blueprint.classes:
        do = nearest(pictures.label, blueprint.classes)
        raise ConfigError(f"pictures '{pictures.name}': label '{pictures.label}'", "no such class", do)
    height, width, _ = blueprint.shape
    return resizing(f"pictures-{pictures.name}", listed(folder), folder, (height, width))


def prepare(pictures: PicturesConfig, folder: Path, piece: Piece, blueprint: Blueprint, out: Path) -> None:
    """Write a set of resized pictures for the eye and as a dataset of one class."""
    height, width, channels = blueprint.shape
    report = write_resized(piece, folder, out / "for-the-eye" / pictures.name, (height, width))
    x = piece.rows
    write_dataset(
        out / pictures.name,
        luma(x) if channels == 1 else x,
        np.full(len(x), blueprint.classes.index(pictures.label), np.int64),
        name=pictures.name,
        classes=blueprint.classes,
        parents={"pictures": report.manifest.digest},
        recipe={"files": list(report.names)},
        refused=_left_out(folder, piece),
    )
    print(f"{pictures.name}: {len(x)} pictures, {len(report.refused)} refused", flush=True)


def _left_out(folder: Path, piece: Piece) -> tuple[dict[str, str], ...]:
    """Return what of a folder of pictures is not in the dataset."""
    unseen = ({"name": display_name(name), "reason": "it is hidden"} for name in hidden(folder))
    return (*unread(piece), *unseen)


if __name__ == "__main__":
    run_step(preprocess)
