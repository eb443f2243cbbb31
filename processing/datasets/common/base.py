"""What every dataset source gives, and how rows are picked from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import Images, Labels
from processing.sharing.tasks import Do, Piece, Task

Rows = npt.NDArray[np.int64]

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Split:
    """Images and labels: uint8[N, H, W, C], 0..255, and int64[N]."""

    x: Images
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Rows) -> Split:
        """Return the rows in the order given."""
        return Split(np.asarray(self.x[rows]), self.y[rows])


@dataclass(frozen=True)
class Source:
    """A whole dataset before it is split further.

    Attributes
    ----------
    name : str
        What the data is; it goes with every number made from it.
    refused : tuple
        Files of a folder that could not be used, each with the reason.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    refused: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """A source whose rows are still to be made.

    Attributes
    ----------
    classes : tuple of str
    shape : tuple of int
        (H, W, C) of every image.
    tasks : tuple of Task
        The work that makes the rows.
    assemble : callable
        From what each task made to the source.
    """

    classes: tuple[str, ...]
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    assemble: Callable[[Sequence[Piece]], Source]

    def build(self, do: Do) -> Source:
        """Return the source, its tasks done in the way given."""
        return self.assemble([do(task) for task in self.tasks])


def sliced(source: Source) -> Blueprint:
    """Return the blueprint of a source whose rows are there already: a share is a slice of them."""

    def assemble(pieces: Sequence[Piece]) -> Source:
        train, test = (piece.rows for piece in pieces)
        return replace(source, train=Split(train, source.train.y), test=Split(test, source.test.y))

    tasks = (_slicing("train", source.train.x), _slicing("test", source.test.x))
    return Blueprint(source.classes, source.train.x.shape[1:], tasks, assemble)


def _slicing(name: str, x: Images) -> Task:
    return Task(name, len(x), lambda start, stop: Piece(x[start:stop]))


def as_split(x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], what: str) -> Split:
    """Bring foreign arrays into the one form: images NHWC in uint8, labels int64 in one dimension.

    Raises
    ------
    BadInput
        If the images are not 8-bit, or the two do not fit together.
    """
    if x.dtype != np.uint8 or x.ndim not in (3, 4):
        do = "give uint8[N, H, W] or uint8[N, H, W, C], values 0..255"
        raise BadInput(f"the images of {what}", f"they are {x.dtype}{list(x.shape)}", do)
    if not np.issubdtype(y.dtype, np.integer) or y.size != len(x):
        why = f"they are {y.dtype}{list(y.shape)} for {len(x)} images"
        raise BadInput(f"the labels of {what}", why, "give one integer for each image")
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
