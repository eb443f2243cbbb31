"""What a data source gives: splits, a corpus, and the blueprint of one whose rows are still to be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import Images, Labels, Rows
from boomerang.safeio import display_name
from processing.datasets.common.fitting import (
    IN_WORDS,
    check_class_names,
    check_differ,
    check_fit,
    check_images,
    check_labels,
)
from processing.sharing.tasks import Do, Piece, Task

# Of rows in any order each may bring a megabyte of a mapped file into memory (seen on Linux 6.18).
_PICKED_AT_ONCE = 32
# Of each class, where a set has no test split of its own.
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Images and labels; of the images no copy is made until they are written.

    Attributes
    ----------
    images : uint8[M, H, W, C], 0..255
        In memory or mapped.
    y : int64[N]
    rows : int64[N] or None
        Which of the images are the split's, in its order; None is all of them.
    sources : int64[N] or None
        Who delivered each row: an index into `Corpus.source_names`, -1 for nobody; None where not known.
    """

    images: Images
    y: Labels
    rows: Rows | None = None
    sources: Rows | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""
        return (len(self), *self.images.shape[1:])

    @property
    def x(self) -> Images:
        """Its images, all of them in memory where they are not the whole array."""
        return self.images if self.rows is None else np.asarray(self.images[self.rows])

    def take(self, rows: Rows) -> Split:
        """Return the rows in the order given."""
        sources = None if self.sources is None else self.sources[rows]
        return Split(self.images, self.y[rows], rows if self.rows is None else self.rows[rows], sources)

    def fill(self, x: Images, y: Labels) -> None:
        """Write it to arrays of its shape, mapped or not, a block at a time."""
        y[:] = self.y
        for part in slices(len(self), rows_at_once(x) if self.rows is None else _PICKED_AT_ONCE):
            x[part] = self.images[part if self.rows is None else self.rows[part]]
            let_go(x)
            let_go(self.images)


@dataclass(frozen=True)
class Corpus:
    """A whole dataset before it is split further.

    Attributes
    ----------
    name : str
        What the data is; it goes with every number made from it.
    refused : tuple
        Files of a folder that could not be used, each with the reason.
    source_names : tuple of str
        Who delivered rows, where the data says it.
    validation : Split or None
        Rows that the defender trusts, where the data has them apart; else they are taken from `train`.
    notes : tuple of str
        What was made of the files on the way, a line each.

    Raises
    ------
    BadInput
        If its parts do not fit together; see `processing.datasets.common.fitting`.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    refused: tuple[dict[str, str], ...] = ()
    source_names: tuple[str, ...] = ()
    validation: Split | None = None
    notes: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Split]:
        """Those that there are, by name."""
        every = {"train": self.train, "test": self.test, "validation": self.validation}
        return {name: split for name, split in every.items() if split is not None}

    def __post_init__(self) -> None:
        what = f"the data '{display_name(self.name)}'"
        check_class_names(self.classes, what)
        for part, split in self.splits.items():
            check_labels(split.y, f"the labels of {what}, {part},", self.classes)
            check_fit(self.train.shape, split.shape, what)
        check_differ(self.train.images, f"the training images of {what}")


@dataclass(frozen=True)
class Blueprint:
    """A corpus whose rows are still to be made.

    Attributes
    ----------
    classes : tuple of str
    shape : tuple of int
        (H, W, C) of every image.
    tasks : tuple of Task
        The work that makes the rows.
    assemble : callable
        From what each task made to the corpus.
    """

    classes: tuple[str, ...]
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    assemble: Callable[[Sequence[Piece]], Corpus]

    def build(self, do: Do) -> Corpus:
        """Return the corpus, its tasks done in the way given."""
        return self.assemble([do(task) for task in self.tasks])


@dataclass(frozen=True)
class Request:
    """What a source is asked for.

    Attributes
    ----------
    path : Path or None
        The file or folder that holds what the config named, where it names any.
    name : str
        What the user calls it.
    train, test : int
        Rows of the training and of the test split; 0 is all there are.
    extra_train : int
        Rows needed beside the training split, for validation and canaries: a source that draws its rows
        draws as many more.
    seed : int
    """

    path: Path | None = None
    name: str = ""
    train: int = 0
    test: int = 0
    extra_train: int = 0
    seed: int = 0

    @property
    def needed_path(self) -> Path:
        """The path; raises BadInput where there is none."""
        if self.path is None:
            raise BadInput("the data source", "it was given no file or folder", "name one in data.path")
        return self.path


def sliced(corpus: Corpus) -> Blueprint:
    """Return the blueprint of a corpus whose rows are there already: a share is a slice of their arrays."""
    train, test = corpus.train, corpus.test
    arrays = {"train": train.images}
    if test.images is not train.images:
        arrays["test"] = test.images

    def assemble(pieces: Sequence[Piece]) -> Corpus:
        found = [piece.rows for piece in pieces]
        splits = replace(train, images=found[0]), replace(test, images=found[-1])
        return replace(corpus, train=splits[0], test=splits[1])

    tasks = tuple(_slicing(name, images) for name, images in arrays.items())
    return Blueprint(corpus.classes, train.shape[1:], tasks, assemble)


def _slicing(name: str, x: Images) -> Task:
    return Task(name, len(x), lambda start, stop: Piece(x[start:stop]))


def as_split(
    x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], what: str, names: tuple[str, str] = IN_WORDS
) -> Split:
    """Bring foreign arrays into the one form: images NHWC in uint8, labels int64 in one dimension.

    Images that are mapped stay so, but for those in Fortran's order, which are read into memory.

    Parameters
    ----------
    x, y : array
    what : str
        Where they are from, as an error names it.
    names : tuple of str
        What the two are called there.

    Raises
    ------
    BadInput
        If the images are not 8-bit or there are none, or the two do not fit together.
    """
    check_images(x.dtype, x.shape, y, what, names)
    images = np.ascontiguousarray(x if x.ndim == 4 else x[..., None]).astype(np.uint8, copy=False)
    return Split(images, np.asarray(y).reshape(-1).astype(np.int64))


def balanced(y: Labels, per_class: int, rng: np.random.Generator, classes: tuple[str, ...]) -> Rows:
    """Return `per_class` rows of every class, drawn without replacement, in ascending order.

    Raises
    ------
    ConfigError
        If a class has fewer rows.
    """
    picked = []
    for label, name in enumerate(classes):
        rows = np.flatnonzero(y == label)
        if len(rows) < per_class:
            why = f"it has {len(rows)} rows and {per_class} are needed"
            raise ConfigError(f"class '{name}'", why, "ask for fewer rows")
        picked.append(rng.choice(rows, per_class, replace=False))
    return np.sort(np.concatenate(picked))


def held_out(y: Labels, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Split rows class by class into (rest, held out); every class keeps a row on either side."""
    out = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if len(rows) < 2:
            raise BadInput(f"class {label}", "it has one row, and a test row is needed", "add more")
        count = min(len(rows) - 1, max(1, round(share * len(rows))))
        out.append(rng.choice(rows, count, replace=False))
    test = np.sort(np.concatenate(out))
    return np.setdiff1d(np.arange(len(y)), test), test
