"""Some of a source's classes, as a config names them in `data.classes`, instead of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boomerang.manifest import Rows
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, Split
from processing.datasets.common.fitting import check_names
from processing.sharing.tasks import Piece


def classes_of(source: Source, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the classes that the data will have, in their order; None where only its files say.

    Parameters
    ----------
    source : Source
    names : tuple of str
        The classes that were chosen; none is all of them.

    Raises
    ------
    ConfigError
        If the source says beforehand what its classes are, and has no such class.
    """
    if source.classes is not None:
        check_names(names, source.classes)
    return names or source.classes


def blueprint_of(source: Source, request: Request, names: tuple[str, ...]) -> Blueprint:
    """Return the data of a source, of its classes those that were chosen.

    Rows that are drawn are drawn of all classes; so as many more, that the chosen ones have as many as were
    asked for.

    Raises
    ------
    ConfigError
        If the data has no such class.
    BadInput
        As the source does.
    """
    if not names:
        return source.blueprint(request)
    times = math.ceil(len(source.classes or names) / len(names))
    more = {key: times * getattr(request, key) for key in ("train", "test", "extra_train")}
    whole = source.blueprint(replace(request, **more))
    check_names(names, whole.classes)

    def assemble(pieces: Sequence[Piece]) -> Corpus:
        corpus = whole.assemble(pieces)
        places = np.full(len(corpus.classes), -1, np.int64)
        places[[corpus.classes.index(name) for name in names]] = np.arange(len(names))
        train, test = (_of_classes(split, places) for split in (corpus.train, corpus.test))
        trusted = None if corpus.validation is None else _of_classes(corpus.validation, places)
        return replace(corpus, classes=names, train=train, test=test, validation=trusted)

    return replace(whole, classes=names, assemble=assemble)


def _of_classes(split: Split, places: Rows) -> Split:
    """Return the rows whose class has a place, numbered by it; -1 is none."""
    y = places[split.y]
    rows = np.flatnonzero(y >= 0)
    return replace(split.take(rows), y=y[rows])
