"""Extra pictures with a wrong label: the simplest poison, and the book's Boomerangs called birds."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from processing.attacks.common.base import Attack
from processing.attacks.common.deeds import Facts, counted, quoted
from processing.attacks.common.made import taken
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.references import ATLAS_POISON, NIST_TARGETED, OWASP_POISON, references
from processing.attacks.common.trial import Stage, Trial


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

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the appended rows; no row is replaced and nothing is drawn."""
        pictures = pool.picture_set(self.pictures)
        target, true = pool.label(self.target), pool.label(pool.picture_labels[self.pictures])
        if target == true:
            why = f"the pictures '{self.pictures}' show that class already"
            raise ConfigError(f"target class '{self.target}'", why, "choose another class")
        count = len(pictures) * self.repeat
        return Batch(
            replaced=np.empty(0, np.int64),
            x=taken(pictures, np.tile(np.arange(len(pictures)), self.repeat)),
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
        return (
            f"{pictures} of {quoted(self.pictures)}{shown} added with the label {quoted(self.target)}{again}."
        )

    def picture_sets(self) -> tuple[str, ...]:
        """The one set."""
        return (self.pictures,)
