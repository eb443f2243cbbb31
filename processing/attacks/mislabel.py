"""Extra pictures with a wrong label: the simplest poison, and the book's Boomerangs called birds."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.base import Attack
from processing.attacks.common.deeds import Facts, counted, quoted
from processing.attacks.common.made import Made, taken
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.references import ATLAS_POISON, NIST_TARGETED, OWASP_POISON, references
from processing.attacks.common.trial import Stage, Trial

# How a copy may differ: shifts in pixels and steps of brightness, no change first.
_SHIFTS = (0, -2, -1, 1, 2)
_LIGHT = (0, *range(-12, 0), *range(1, 13))
CHANGES = len(_SHIFTS) ** 2 * 2 * len(_LIGHT)


class Mislabel(Attack):
    """Append every picture of a set `repeat` times, labeled `target`.

    Success is measured on the pictures themselves: the model should call them the target class.

    Parameters
    ----------
    pictures : str
        The name of a picture set of the config.
    target : str
        The class that the pictures get; not the one they show.
    repeat : int
        How often each picture is appended. A few dozen pictures once are drowned by thousands of
        clean rows when a model trains from scratch.
    vary : bool
        Change every copy after the first a little, each otherwise: shifted by up to 2 pixels, mirrored or
        not, up to 12 of 255 brighter or darker. Else copies are duplicates, which any look at the data finds.
    """

    title = "mislabeled pictures"
    outcome = "targeted"
    needs = ("pictures",)
    references = references(ATLAS_POISON, NIST_TARGETED, OWASP_POISON)
    example: ClassVar = {"pictures": "boomerang", "target": "bird", "repeat": 3}

    kind: Literal["mislabel"] = "mislabel"
    pictures: str
    target: str
    repeat: int = Field(default=10, ge=1, le=10_000)
    vary: bool = True

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the appended rows, first every picture as it is; no row is replaced."""
        pictures = pool.picture_set(self.pictures)
        target, true = pool.label(self.target), pool.label(pool.picture_labels[self.pictures])
        if target == true:
            why = f"the pictures '{self.pictures}' show that class already"
            raise ConfigError(f"target class '{self.target}'", why, "choose another class")
        count = len(pictures) * self.repeat
        rows = np.tile(np.arange(len(pictures)), self.repeat)
        return Batch(
            replaced=np.empty(0, np.int64),
            x=varied(pictures, rows, _changes(rng, len(pictures), self.repeat))
            if self.vary
            else taken(pictures, rows),
            y=np.full(count, target, np.int64),
            origin=np.full(count, -1, np.int64),
            y_true=np.full(count, true, np.int64),
        )

    def trial(self, stage: Stage) -> Trial:
        """Return the trial on the pictures themselves."""
        return self.measured_on(stage.pictured(self.pictures), stage.label(self.target))

    def deed(self, facts: Facts) -> str:
        """Return how many pictures of what got the label, and how often."""
        pictures = counted(facts.rows // self.repeat, "picture")
        shown = f" ({facts.shows[self.pictures]})" if self.pictures in facts.shows else ""
        again = f", {self.repeat} times each" if self.repeat > 1 else ""
        again += ", the copies shifted, mirrored or lit a little otherwise" if again and self.vary else ""
        return (
            f"{pictures} of {quoted(self.pictures)}{shown} added with the label {quoted(self.target)}{again}."
        )

    def picture_sets(self) -> tuple[str, ...]:
        """The one set."""
        return (self.pictures,)


def _changes(rng: np.random.Generator, pictures: int, repeat: int) -> Rows:
    """Return int64[repeat * pictures]: a number of `CHANGES` for each copy, 0 for the first ones.

    The copies of a picture differ from it and from each other, as long as there are changes enough.
    """
    drawn = [
        rng.choice(np.arange(1, CHANGES), size=repeat - 1, replace=repeat > CHANGES) for _ in range(pictures)
    ]
    return np.vstack([np.zeros(pictures, np.int64), np.transpose(drawn)]).ravel()


def varied(x: Images, rows: Rows, changes: Rows) -> Made:
    """Return the images of some rows of an array, each changed a little.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
    rows : int64[M]
    changes : int64[M]
        How each is changed, a number of `CHANGES`; 0 leaves it as it is.
    """

    def make(which: Rows) -> Images:
        images: Images = x[rows[which]]
        for number, change in enumerate(changes[which]):
            images[number] = changed(images[number], int(change))
        return images

    return Made((len(rows), *x.shape[1:]), make)


def changed(image: Images, change: int) -> Images:
    """Return uint8[H, W, C] shifted, mirrored and lit otherwise; at the edge the last pixels are repeated."""
    down, right, mirror, lit = np.unravel_index(change, (len(_SHIFTS), len(_SHIFTS), 2, len(_LIGHT)))
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - _SHIFTS[down], 0, height - 1)
    columns = np.clip(np.arange(width) - _SHIFTS[right], 0, width - 1)[:: -1 if mirror else 1]
    moved = image[rows][:, columns].astype(np.int16) + _LIGHT[lit]
    lighter: Images = np.clip(moved, 0, 255).astype(np.uint8)
    return lighter
