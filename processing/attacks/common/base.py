"""What every attack has in common: its settings, its choice of rows, its budget and its audit.

An attack is one file with one class. The class is its own configuration (each field is a setting,
checked when the config is read), states what the attack is and needs, and owns the transform. The
base class owns the seeded choice of rows and refuses a budget that the data cannot pay.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict
from boomerang.errors import ConfigError, nearest
from boomerang.manifest import Images, Labels

# A trigger below this largest change, of 255, drowns in an image's own noise.
FAINT = 8

Rows = npt.NDArray[np.int64]
Outcome = Literal["targeted", "untargeted", "backdoor"]


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
    """

    x: Images
    y: Labels
    classes: tuple[str, ...]
    free: Rows
    pictures: dict[str, Images] = field(default_factory=dict)
    picture_labels: dict[str, str] = field(default_factory=dict)
    images: dict[str, Images] = field(default_factory=dict)

    def label(self, name: str) -> int:
        """Return the index of a class; raises ConfigError for a class that the data does not have."""
        if name not in self.classes:
            raise ConfigError(f"class '{name}'", "the data has no such class", nearest(name, self.classes))
        return self.classes.index(name)

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


@dataclass(frozen=True)
class Batch:
    """What an attack does to the training set.

    Attributes
    ----------
    replaced : int64[R]
        Rows of the pool that the first R images and labels stand for; the rest is appended.
    x : uint8[R + A, H, W, C], 0..255
    y : int64[R + A]
        The labels as the victim will see them.
    origin : int64[R + A]
        The row that each image was made from; -1 where it comes from outside.
    y_true : int64[R + A]
        The labels that would be right.
    """

    replaced: Rows
    x: Images
    y: Labels
    origin: Rows
    y_true: Labels


class Attack(Strict, ABC):
    """One entry of a poison recipe.

    Class attributes
    ----------------
    outcome
        What success means: see `boomerang.metrics.AttackNumbers.asr`.
    needs
        What the attacker must have, beyond the rows that it poisons.
    references
        Ids in MITRE ATLAS, NIST AI 100-2 E2025 and OWASP's machine learning top ten.
    """

    outcome: ClassVar[Outcome]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[dict[str, str]] = {}

    kind: str
    name: str = Field(default="", pattern=r"^[a-z0-9_-]{0,63}$")

    @abstractmethod
    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the poisoned rows; the pool itself is never written to."""

    def stamp(self, x: Images, images: dict[str, Images]) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image (backdoors only)."""
        raise TypeError(f"{self.kind} has no trigger")

    def picture_sets(self) -> tuple[str, ...]:
        """The picture sets that the attack turns into poison."""
        return ()

    def image_names(self) -> tuple[str, ...]:
        """The trigger images that `stamp` needs."""
        return ()

    def target_class(self) -> str | None:
        """The class that the attack aims at, if any."""
        return getattr(self, "target", None)

    def source_class(self) -> str | None:
        """The class that the attack is measured on; None is every class but the target."""
        return getattr(self, "source", None)


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
    """Return how many rows a rate buys: the nearest whole number, at least one.

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
        If the rate buys more rows than there are.
    """
    count = max(1, round(rate * whole))
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


def audit_entry(attack: Attack, batch: Batch, pool: Pool) -> dict[str, Any]:
    """Return what an auditor wants to know of one attack, as plain JSON.

    The poisoning rate is given of each whole that the literature counts in: of the training set that
    came in, and of the class that the poison is labeled as.
    """
    poisoned, before = len(batch.x), len(pool.x)
    return {
        "name": attack.name,
        "settings": attack.model_dump(mode="json"),
        "title": attack.title,
        "outcome": attack.outcome,
        "needs": list(attack.needs),
        "references": dict(attack.references),
        "poisoned": poisoned,
        "replaced": len(batch.replaced),
        "appended": poisoned - len(batch.replaced),
        "rate_of_train": poisoned / before if before else None,
        "labels_given": _by_class(batch.y, pool.classes),
        "labels_true": _by_class(batch.y_true, pool.classes),
        **_pixel_changes(attack, batch, pool),
    }


def _by_class(y: Labels, classes: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(y, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}


def _pixel_changes(attack: Attack, batch: Batch, pool: Pool) -> dict[str, Any]:
    """How far the images made from the training set's own rows differ from them."""
    made = np.flatnonzero(batch.origin >= 0)
    change = largest_change(pool.x[batch.origin[made]], batch.x[made])
    unchanged, median = int(np.count_nonzero(change == 0)), float(np.median(change)) if len(change) else None
    warnings = []
    if attack.outcome == "backdoor" and unchanged:
        warnings.append(f"the trigger left {unchanged} of {len(made)} images as they were")
    if attack.outcome == "backdoor" and median is not None and median < FAINT:
        warnings.append(f"the trigger changes no value of most images by more than {median:g} of 255")
    return {"images_unchanged": unchanged, "median_largest_change": median, "warnings": warnings}


def largest_change(before: Images, after: Images) -> Images:
    """Return uint8[N]: of each image the largest change of any value, 0..255."""
    change = np.maximum(before, after) - np.minimum(before, after)  # a plain difference of uint8 would wrap
    largest: Images = change.max(axis=(1, 2, 3), initial=0)
    return largest
