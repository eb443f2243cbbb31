"""Sources whose files hold arrays: images in one, labels in another, of one split or several."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from boomerang.errors import BadInput
from boomerang.manifest import Labels, Rows
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import TEST_SHARE, Blueprint, Corpus, Request, Split, held_out
from processing.datasets.common.fitting import check_class_names, check_differ, check_fit
from processing.datasets.common.foreign.image_forms import Pixels, Stored, pixels_of
from processing.datasets.common.foreign.labels import Raw, labeled
from processing.datasets.common.foreign.recognition import place_of
from processing.datasets.common.survey import Refusals, Survey
from processing.sharing.tasks import Piece, Task

# Of what is stored so much is converted at a time: as 64-bit numbers it is eight times the images.
_CONVERTED_BYTES = 16 << 20


@dataclass(frozen=True)
class Part:
    """A split as it lies in the files.

    Attributes
    ----------
    images : Stored
    labels : array
        Numbers, texts or one-hot rows, as they are.
    label_name : str
        What they are called in errors: `y_train of faces.npz`.
    sources : int64[N] or None
        Who delivered each row, an index into `Found.source_names`.
    """

    images: Stored
    labels: Raw
    label_name: str
    sources: Rows | None = None


@dataclass(frozen=True)
class Found:
    """What a source of arrays found in its files.

    Attributes
    ----------
    name : str
        What the data is called in the manifest, and in errors.
    words : str
        What was recognized, see `Survey.words`.
    train : Part
    test, validation : Part or None
        Without `test` a fifth of each class is held out. `validation` is of rows that the defender trusts:
        where the files have such a split, the trusted rows are taken from it.
    classes : tuple of str or None
        Their names, where the files or the source say them; see `processing.datasets.common.foreign.labels`.
    source_names : tuple of str
    notes, refused
        As `Survey` has them.
    """

    name: str
    words: str
    train: Part
    test: Part | None = None
    validation: Part | None = None
    classes: tuple[str, ...] | None = None
    source_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: Refusals = ()

    @property
    def parts(self) -> dict[str, Part]:
        """The splits that there are, by name."""
        every = {"train": self.train, "test": self.test, "validation": self.validation}
        return {name: part for name, part in every.items() if part is not None}

    @cached_property
    def _labeled(self) -> tuple[dict[str, Labels], tuple[str, ...], tuple[str, ...]]:
        for part in self.parts.values():
            if len(part.labels) != len(part.images):
                why = f"it is {part.labels.dtype}{list(part.labels.shape)} for {len(part.images)} images"
                raise BadInput(part.label_name, why, "give one label for each image")
        raw = {part.label_name: part.labels for part in self.parts.values()}
        if self.classes is not None:
            check_class_names(self.classes, f"the class names of {self.name}")
        labels, classes, said = labeled(raw, self.classes)
        check_class_names(classes, self.train.label_name)
        return dict(zip(self.parts, labels, strict=True)), classes, said

    @cached_property
    def pixels(self) -> dict[str, Pixels]:
        """What has to be done to the images of each split: all are brought to one size.

        Raises
        ------
        BadInput
            If they cannot be.
        """
        first = pixels_of(self.train.images)
        others = {name: part for name, part in self.parts.items() if name != "train"}
        times = None if first.exact else first.times
        found = {name: pixels_of(part.images, times) for name, part in others.items()}
        for each in found.values():
            check_fit((len(first.stored), *first.shape), (len(each.stored), *each.shape), each.stored.name)
        return {"train": first, **found}

    def survey(self) -> Survey:
        """Return what a glance tells; raises BadInput for whatever is wrong with it."""
        pixels = self.pixels
        labels, classes, said = self._labeled
        counts = {name: np.bincount(y, minlength=len(classes)) for name, y in labels.items()}
        notes = (*self.notes, *said, *(line for each in pixels.values() for line in each.words()))
        if self.test is None:
            rest, out = held_out(labels["train"], TEST_SHARE, np.random.default_rng(0))
            counts |= {"train": np.bincount(labels["train"][rest], minlength=len(classes))}
            counts |= {"test": np.bincount(labels["train"][out], minlength=len(classes))}
            notes = (*notes, "there is no test set: a fifth of each class is held out")
        rows = {name: tuple(int(count) for count in each) for name, each in counts.items()}
        return Survey(self.words, classes, pixels["train"].shape, rows, notes, self.refused)

    def blueprint(self, seed: int) -> Blueprint:
        """Return the data with its images still to be read and brought to one form."""
        notes = self.survey().notes
        labels, classes, _ = self._labeled

        def assemble(pieces: Sequence[Piece]) -> Corpus:
            splits = {
                name: Split(piece.rows, labels[name], sources=part.sources)
                for (name, part), piece in zip(self.parts.items(), pieces, strict=True)
            }
            if "test" not in splits:
                rest, out = held_out(labels["train"], TEST_SHARE, np.random.default_rng(seed))
                splits |= {"train": splits["train"].take(rest), "test": splits["train"].take(out)}
            check_differ(splits["train"].images, self.train.images.name)
            return Corpus(
                self.name,
                classes,
                splits["train"],
                splits["test"],
                self.refused,
                self.source_names,
                validation=splits.get("validation"),
                notes=notes,
            )

        tasks = tuple(_reading(name, each) for name, each in self.pixels.items())
        return Blueprint(classes, self.pixels["train"].shape, tasks, assemble)


def _reading(name: str, pixels: Pixels) -> Task:
    """Return the task of reading images: as they lie where that can be, else converted in blocks."""
    stored, opened = pixels.stored, _Opened(pixels.stored)

    def make(start: int, stop: int) -> Piece:
        block = opened.images[start:stop]
        return Piece(pixels(block) if not pixels.exact else block if block.ndim == 4 else block[..., None])

    as_they_lie = pixels.exact and isinstance(opened.images, np.ndarray)
    row_bytes = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    at_once = None if as_they_lie else max(1, _CONVERTED_BYTES // row_bytes)
    return Task(name, len(stored), make, at_once=at_once)


@dataclass(frozen=True)
class _Opened:
    """Images that are opened once, when the first of them are read."""

    stored: Stored

    @cached_property
    def images(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return self.stored.give()  # type: ignore[no-any-return]  # what a file gives goes through `Pixels`


class ArraySource(Source):
    """A source whose files hold arrays: it finds them, and all else is done here."""

    needs_path: ClassVar[bool] = True

    @abstractmethod
    def find(self, path: Path, name: str) -> Found:
        """Return what lies at a path that `recognizes` knows; no image is read.

        Parameters
        ----------
        path : Path
        name : str
            What the user calls it; empty where nothing says it, and then the file's or folder's own.

        Raises
        ------
        BadInput
            If the files cannot be used.
        """

    def survey(self, path: Path, name: str = "") -> Survey:
        """Return what a glance at the arrays tells."""
        return self.find(place_of(type(self), path), name).survey()

    def blueprint(self, request: Request) -> Blueprint:
        """Return the arrays, their rows to be taken."""
        return self.find(place_of(type(self), request.needed_path), request.name).blueprint(request.seed)
