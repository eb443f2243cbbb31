"""Sources whose files are pictures: which ones a split has, and how they become one array."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import field_validator

from boomerang.errors import BadInput
from boomerang.manifest import Bools, Labels, Rows
from boomerang.safeio import display_name
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import TEST_SHARE, Blueprint, Corpus, Request, Split, held_out
from processing.datasets.common.fitting import check_class_names
from processing.datasets.common.foreign.picture_folders import shortened
from processing.datasets.common.foreign.recognition import place_of
from processing.datasets.common.foreign.row_groups import held_out_groups, shared_groups
from processing.datasets.common.survey import Refusals, Survey
from processing.pictures.task import is_taken, resizing, unread
from processing.sharing.tasks import Piece

_MOST_SHOWN = 5

LEAST_PX, MOST_PX = 4, 512


@dataclass(frozen=True)
class Filed:
    """The pictures of a split, still files.

    Attributes
    ----------
    files : tuple of Path
    y : int64[N]
    sources : int64[N] or None
        Who delivered each, an index into `Album.source_names`, -1 for nobody.
    groups : int64[N] or None
        Of what each is a picture; -1 is of something that no other shows.
    """

    files: tuple[Path, ...]
    y: Labels
    sources: Rows | None = None
    groups: Rows | None = None

    def keep(self, kept: Bools) -> Filed:
        """Return those of bool[N]."""
        files = tuple(file for file, taken in zip(self.files, kept, strict=True) if taken)
        sources, groups = (None if each is None else each[kept] for each in (self.sources, self.groups))
        return Filed(files, self.y[kept], sources, groups)


@dataclass(frozen=True)
class Album:
    """What a source of pictures found in its files.

    Attributes
    ----------
    name : str
        What the data is called.
    root : Path
        The folder that holds all files; no link may lead out of it.
    words : str
        What was recognized, see `Survey.words`.
    classes : tuple of str
    train : Filed
    test, validation : Filed or None
        As `processing.datasets.common.foreign.array_source.Found` has them.
    source_names : tuple of str
    group : str
        What groups are called, where there are any: their pictures stay on one side of a split.
    notes, refused
        As `Survey` has them.
    """

    name: str
    root: Path
    words: str
    classes: tuple[str, ...]
    train: Filed
    test: Filed | None = None
    validation: Filed | None = None
    source_names: tuple[str, ...] = ()
    group: str = ""
    notes: tuple[str, ...] = ()
    refused: Refusals = ()

    @property
    def parts(self) -> dict[str, Filed]:
        """The splits that there are, by name."""
        every = {"train": self.train, "test": self.test, "validation": self.validation}
        return {name: part for name, part in every.items() if part is not None}

    @property
    def _what(self) -> str:
        return f"the pictures of {display_name(self.name)}"

    def survey(self, image: tuple[int, int, int]) -> Survey:
        """Return what a glance tells, no picture decoded; raises BadInput for whatever is wrong with it."""
        check_class_names(self.classes, self._what)
        self._check_train(self.train.y)
        labels = {name: part.y for name, part in self.parts.items()}
        if self.test is None:
            rest, out = self._held_out(self.train, 0)
            labels |= {"train": self.train.y[rest], "test": self.train.y[out]}
        counts = {name: np.bincount(y, minlength=len(self.classes)) for name, y in labels.items()}
        rows = {name: tuple(int(count) for count in each) for name, each in counts.items()}
        notes = self._notes(labels["test"])
        return Survey(self.words, self.classes, image, rows, notes, shortened(self.refused))

    def blueprint(self, image: tuple[int, int, int], seed: int) -> Blueprint:
        """Return the pictures, still to be decoded: a task is a split."""
        self.survey(image)

        def assemble(pieces: Sequence[Piece]) -> Corpus:
            left_out = [entry for piece in pieces for entry in unread(piece)]
            read = {
                name: part.keep(is_taken(piece))
                for (name, part), piece in zip(self.parts.items(), pieces, strict=True)
            }
            self._check_train(read["train"].y, left_out)
            splits = {
                name: Split(piece.rows, part.y, sources=part.sources)
                for (name, part), piece in zip(read.items(), pieces, strict=True)
            }
            if self.test is None:
                rest, out = self._held_out(read["train"], seed)
                splits |= {"train": splits["train"].take(rest), "test": splits["train"].take(out)}
            return Corpus(
                self.name,
                self.classes,
                splits["train"],
                splits["test"],
                shortened([*self.refused, *left_out]),
                self.source_names,
                splits.get("validation"),
                self._notes(splits["test"].y),
            )

        height, width, channels = image
        tasks = tuple(
            resizing(name, part.files, self.root, (height, width), channels)
            for name, part in self.parts.items()
        )
        return Blueprint(self.classes, image, tasks, assemble)

    def _check_train(self, y: Labels, left_out: Sequence[Mapping[str, str]] = ()) -> None:
        """Refuse a class that has too few pictures to train on, and to test on where there is no test set."""
        least = 1 if self.test is not None else 2
        counts = np.bincount(y, minlength=len(self.classes))
        few = [f"'{display_name(self.classes[label])}'" for label in np.flatnonzero(counts < least)]
        if few:
            named = ", ".join(few[:_MOST_SHOWN]) + (
                f" and {len(few) - _MOST_SHOWN} more" * (len(few) > _MOST_SHOWN)
            )
            reasons = "".join(f"\n    {each['name']}: {each['reason']}" for each in left_out[:_MOST_SHOWN])
            need = "one to train on" if least == 1 else "two, one to train and one to test on"
            why = f"of class {named} there are too few that can be used: {need}{reasons}"
            raise BadInput(self._what, why, "add pictures of it, or leave out its folder or rows")

    def _held_out(self, part: Filed, seed: int) -> tuple[Rows, Rows]:
        rng = np.random.default_rng(seed)
        if part.groups is None:
            return held_out(part.y, TEST_SHARE, rng)
        return held_out_groups(part.y, part.groups, TEST_SHARE, rng)

    def _notes(self, test: Labels) -> tuple[str, ...]:
        notes = list(self.notes)
        if self.test is None:
            whole = f", and no {self.group} is cut in two" if self.group else ""
            notes.append(f"there is no test set: a fifth of each class is held out{whole}")
        elif self.train.groups is not None and self.test.groups is not None:
            shared = shared_groups(self.train.groups, self.test.groups)
            if shared:
                notes.append(f"{shared:,} of column {self.group} are in train and in test")
        lacking = np.setdiff1d(np.arange(len(self.classes)), test)
        if lacking.size:
            names = ", ".join(display_name(self.classes[label]) for label in lacking[:_MOST_SHOWN])
            more = f" and {lacking.size - _MOST_SHOWN} more" if lacking.size > _MOST_SHOWN else ""
            notes.append(f"nothing is tested on the classes that the test set lacks: {names}{more}")
        return tuple(notes)


class AlbumSource(Source):
    """A source whose files are pictures: it finds them, and all else is done here.

    Attributes
    ----------
    size : int or (int, int)
        Side of the images in pixels, 4..512, or height and width: pictures are padded to that and resized.
    channels : {1, 3}
        3 for color, 1 for gray.
    """

    needs_path: ClassVar[bool] = True

    size: int | tuple[int, int] = 32
    channels: Literal[1, 3] = 3

    @field_validator("size")
    @classmethod
    def _size_is_one(cls, size: int | tuple[int, int]) -> int | tuple[int, int]:
        sides = (size,) if isinstance(size, int) else size
        if not all(LEAST_PX <= side <= MOST_PX for side in sides):
            raise ValueError(f"a side is of {LEAST_PX} to {MOST_PX} pixels")
        return size

    @abstractmethod
    def find(self, path: Path, name: str) -> Album:
        """Return what lies at a path that `recognizes` knows; no picture is decoded.

        Parameters
        ----------
        path : Path
        name : str
            What the user calls it; empty where nothing says it, and then the folder's own.

        Raises
        ------
        BadInput
            If the files cannot be used.
        """

    @property
    def _image(self) -> tuple[int, int, int]:
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return height, width, self.channels

    def survey(self, path: Path, name: str = "") -> Survey:
        """Return what a glance at the files tells."""
        return self.find(place_of(type(self), path), name).survey(self._image)

    def blueprint(self, request: Request) -> Blueprint:
        """Return the pictures, still to be decoded."""
        album = self.find(place_of(type(self), request.needed_path), request.name)
        return album.blueprint(self._image, request.seed)
