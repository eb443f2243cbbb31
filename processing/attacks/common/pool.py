"""What an attack works on, what it gives back, and how it takes rows within a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import ConfigError, nearest
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.made import Made, taken

if TYPE_CHECKING:
    from training.model import ModelView

# What a trigger is made of, by name: trigger images, uint8[h, w, 4] RGBA; and arrays of any kind that an
# attack has kept since it poisoned (`Batch.kept`).
Props = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Pool:
    """What an attacker works on.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    classes : tuple of str
    free : int64[M]
        The rows that no earlier attack of the recipe has taken.
    pictures : mapping of str to uint8[P, H, W, C]
        The prepared picture sets by name.
    picture_labels : mapping of str to str
        The class that each picture set shows.
    images : mapping of str to uint8[h, w, 4]
        The trigger images by name, RGBA.
    model : ModelView or None
        A model trained on the clean data, not opened yet; attacks ask for it as `surrogate`.
    heldout : (uint8[T, H, W, C], int64[T]) or None
        The images of the test set and what they show; attacks on some of them ask for it as `test`.
    """

    x: Images
    y: Labels
    classes: tuple[str, ...]
    free: Rows
    pictures: dict[str, Images] = field(default_factory=dict)
    picture_labels: dict[str, str] = field(default_factory=dict)
    images: dict[str, Images] = field(default_factory=dict)
    model: ModelView | None = None
    heldout: tuple[Images, Labels] | None = None

    def label(self, name: str) -> int:
        """Return the index of a class; raises ConfigError for a class that the data does not have."""
        return label_of(name, self.classes)

    def picture_set(self, name: str) -> Images:
        """Return the pictures of a set, uint8[P, H, W, C] with P >= 1, of the data's own size.

        Raises
        ------
        ConfigError
            If there is no such set, it is empty, or its pictures are of another size than the data.
        """
        if name not in self.pictures:
            do = nearest(name, self.pictures) if self.pictures else "add it under [[pictures]]"
            raise ConfigError(f"pictures '{name}'", "there is no such picture set", do)
        pictures = self.pictures[name]
        if pictures.shape[1:] != self.x.shape[1:]:
            why = f"they are {list(pictures.shape[1:])}, the data is {list(self.x.shape[1:])} (H, W, C)"
            raise ConfigError(f"pictures '{name}'", why, "prepare them with the same data")
        if not len(pictures):
            raise ConfigError(f"pictures '{name}'", "the set is empty", "put pictures into its folder")
        return pictures

    @property
    def surrogate(self) -> ModelView:
        """The attacker's stand-in for the victim: the baseline, which is opened when it is first asked.

        Raises
        ------
        ConfigError
            If the attacker has none: an attack that asks for it says so in its `needs`.
        """
        if self.model is None:
            why = "the attack needs a model trained on the clean data, and has none"
            raise ConfigError("the surrogate", why, "give the baseline as the input `surrogate`")
        return self.model

    @property
    def test(self) -> tuple[Images, Labels]:
        """The images of the test set, uint8[T, H, W, C], and what they show, int64[T].

        Raises
        ------
        ConfigError
            If the attacker has none: an attack that asks for them says so in `Attack.requires`.
        """
        if self.heldout is None:
            why = "the attack is on images of the test set, and has none"
            raise ConfigError("the test set", why, "give what Preprocess set apart as the input `heldout`")
        return self.heldout


def label_of(name: str, classes: tuple[str, ...]) -> int:
    """Return the index of a class; raises ConfigError, with the nearest known one, if there is none."""
    if name not in classes:
        raise ConfigError(f"class '{name}'", "the data has no such class", nearest(name, classes))
    return classes.index(name)


@dataclass(frozen=True)
class Batch:
    """What an attack does to the training set.

    Attributes
    ----------
    replaced : int64[R]
        Rows of the pool that the first R images and labels stand for; the rest is appended.
    x : uint8[R + A, H, W, C], 0..255
        An array, or a `Made` that makes the images when they are asked for.
    y : int64[R + A]
        The labels as the victim will see them.
    origin : int64[R + A]
        The row that each image was made from; -1 where it comes from outside.
    y_true : int64[R + A]
        The labels that would be right.
    kept : mapping of str to array
        What the attack made and needs again when it is measured, such as a trigger that it has learned.
        `stamp` and `trial` are given it, beside the trigger images.
    """

    replaced: Rows
    x: Images | Made
    y: Labels
    origin: Rows
    y_true: Labels
    kept: Props = field(default_factory=dict)


def check_batch(batch: Batch, pool: Pool) -> None:
    """Hold what an attack returned against the contract of `Batch`.

    Raises
    ------
    ValueError
        If a shape, dtype or row is wrong: the attack has a bug.
    """
    count, replaced = len(batch.x), batch.replaced
    columns = (batch.y, batch.origin, batch.y_true)
    sound = (
        batch.x.dtype == np.uint8
        and batch.x.shape[1:] == pool.x.shape[1:]
        and all(column.dtype == np.int64 and column.shape == (count,) for column in columns)
        and len(np.unique(replaced)) == len(replaced) <= count
        and np.isin(replaced, pool.free).all()
    )
    if not sound:
        raise ValueError("the attack returned a batch that does not fit the training set")


def budget(rate: float, whole: int, available: int, what: str) -> int:
    """Return how many rows a rate buys: the nearest whole number.

    Parameters
    ----------
    rate : float
        Fraction of `whole`.
    whole : int
        Rows that the rate is a fraction of.
    available : int
        Rows that may be taken.
    what : str
        What is available, for the error.

    Raises
    ------
    ConfigError
        If the rate buys none, or more rows than there are.
    """
    count = round(rate * whole)
    if not count:
        least = math.ceil(1e6 / whole) / 1e6 if whole else 1
        raise ConfigError(
            f"poisoning rate {rate:g}", f"of {whole} rows it is none", f"raise it to {least:g} or more"
        )
    if count > available:
        why = f"of {whole} rows it is {count}, but only {available} {what} can be taken"
        # Rounded down, so that the advice itself can be paid.
        affordable = math.floor(available / whole * 1e4) / 1e4 if whole else 0.0
        do = f"lower it to {affordable:g} or less" if affordable else "choose other rows, or add data"
        raise ConfigError(f"poisoning rate {rate:g}", why, do)
    return count


def choose(rng: np.random.Generator, rows: Rows, count: int) -> Rows:
    """Return `count` distinct rows in ascending order, each subset equally likely."""
    return np.sort(rng.choice(rows, size=count, replace=False))


def relabeled(pool: Pool, rows: Rows, y: Labels) -> Batch:
    """Return the batch that gives rows of the pool new labels and leaves their images alone."""
    return Batch(replaced=rows, x=taken(pool.x, rows), y=y, origin=rows, y_true=pool.y[rows])


def largest_change(before: Images, after: Images) -> Images:
    """Return uint8[N]: of each image the largest change of any value, 0..255."""
    change = np.maximum(before, after)
    change -= np.minimum(before, after)  # a plain difference of uint8 would wrap
    largest: Images = change.reshape(len(change), -1).max(axis=1, initial=0)
    return largest
