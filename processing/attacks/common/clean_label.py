"""What targeted clean-label attacks share: images that are to be taken for a class, and rows that do it.

Each image that is attacked has rows of its own, all of the target class. They are changed a little and keep
their labels, which stay right. So one victim that is trained gives a success rate over all of the images.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from boomerang.blocks import slices
from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.base import Attack, Need
from processing.attacks.common.deeds import Facts, counted, quoted
from processing.attacks.common.pool import Batch, Pool, choose
from processing.attacks.common.references import (
    ATLAS_POISON,
    NIST_CLEAN_LABEL,
    NIST_TARGETED,
    OWASP_POISON,
    references,
)
from processing.attacks.common.trial import Stage, Trial

if TYPE_CHECKING:
    from training.model import ModelView

# Images that are optimized together, so that memory does not grow with the number that is attacked.
_AT_ONCE = 512


@dataclass(frozen=True)
class Aim:
    """What is to be made: rows that draw each victim's features to the target class.

    Attributes
    ----------
    victims : uint8[V, H, W, C], 0..255
        The images that are to be taken for the target.
    bases : uint8[V, P, H, W, C], 0..255
        The rows that each has, as they are.
    target : int
        The label of all rows.
    seed : int
        Of all that is left to chance.
    """

    victims: Images
    bases: Images
    target: int
    seed: int


@dataclass(frozen=True)
class Crafted:
    """What was made.

    Attributes
    ----------
    x : uint8[V, P, H, W, C], 0..255
    objective : float32[V, 2]
        What was minimized, of the bases and of `x`, in that order.
    """

    x: Images
    objective: npt.NDArray[np.float32]


class CleanLabel(Attack):
    """Change rows of the target class, so that chosen images of another class are taken for it.

    Success is measured on the chosen images and on no other. They are drawn at random, without
    replacement, among those that the surrogate gets right. Where a head is learned anew on frozen features,
    `poisons` should be about 1% of the rows that it learns from (25 of 2,500 in the benchmark of
    Schwarzschild et al. 2021): five rows among 50,000 did nothing.

    Parameters
    ----------
    target : str
        The class of the rows that are changed, and what the images are to be called.
    source : str, optional
        The class of the test images that are attacked. Either this or `pictures`.
    pictures : str, optional
        The picture set of the config that is attacked.
    victims : int
        How many images are attacked, each with rows of its own.
    poisons : int
        Rows of the target class for each.
    """

    outcome = "targeted"
    needs = ("surrogate",)
    keeps_labels = True
    references = references(ATLAS_POISON, NIST_CLEAN_LABEL, NIST_TARGETED, OWASP_POISON)

    target: str
    source: str | None = None
    pictures: str | None = None
    victims: int = Field(default=10, ge=1, le=1000)
    poisons: int = Field(default=5, ge=1, le=1000)

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        if (self.source is None) == (self.pictures is None):
            raise ValueError("either a source or pictures are attacked: give one of them")
        if self.source == self.target:
            raise ValueError(f"source and target are both '{self.target}'")
        return self

    @abstractmethod
    def craft(self, surrogate: ModelView, aim: Aim) -> Crafted:
        """Return the changed rows, made on the surrogate.

        Raises
        ------
        ConfigError
            If the surrogate cannot be used for that.
        """

    def requires(self) -> tuple[Need, ...]:
        """The surrogate, and where the images come from."""
        return (*self.needs, "test" if self.pictures is None else "pictures")

    def check_counts(self, rows: int, of_class: int) -> None:
        """Raise ConfigError where a class has too few rows for all images that are attacked."""
        self._check_affordable(of_class)

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the changed rows; `kept` says which images are attacked, by which rows, how well."""
        target = pool.label(self.target)
        x, victims = self._victims(pool, target, rng)
        bases = self._bases(pool, target, rng)
        seeds = rng.integers(2**31, size=self.victims)
        crafted = []
        for part in slices(self.victims, max(1, _AT_ONCE // self.poisons)):
            aim = Aim(x[part], pool.x[bases[part]], target, int(seeds[part.start]))
            crafted.append(self.craft(pool.surrogate, aim))
        rows = bases.reshape(-1)
        return Batch(
            replaced=rows,
            x=np.concatenate([made.x for made in crafted]).reshape(-1, *pool.x.shape[1:]),
            y=pool.y[rows],
            origin=rows,
            y_true=pool.y[rows],
            kept={
                "victims": victims,
                "bases": bases,
                "objective": np.concatenate([made.objective for made in crafted]),
            },
        )

    def trial(self, stage: Stage) -> Trial:
        """Return the trial on the images that were attacked."""
        rows = stage.props["victims"]
        if self.pictures is None:
            sample = stage.tested(np.isin(np.arange(len(stage.test)), rows))
        else:
            every = stage.pictured(self.pictures)
            sample = replace(every, x=every.x[rows], y=every.y[rows], rows=every.rows[rows])
        return self.measured_on(sample, stage.label(self.target))

    def deed(self, facts: Facts) -> str:
        """Return how many pictures were changed, and which are to be called what."""
        noun = f"{quoted(self.target)} training picture"
        if self.pictures is None:
            chosen = counted(self.victims, f"{quoted(self.source or '')} test picture")
        else:
            shown = f" ({facts.shows[self.pictures]})" if self.pictures in facts.shows else ""
            chosen = f"{counted(self.victims, 'picture')} of {quoted(self.pictures)}{shown}"
        return (
            f"{counted(facts.rows, noun)} changed by {self.title}, the labels left as they are, so that the "
            f"model calls {chosen} {quoted(self.target)}."
        )

    def picture_sets(self) -> tuple[str, ...]:
        """The one set, if pictures are attacked."""
        return () if self.pictures is None else (self.pictures,)

    def _victims(self, pool: Pool, target: int, rng: np.random.Generator) -> tuple[Images, Rows]:
        """Return the images that are attacked, and their rows in the test set or in the picture set."""
        if self.pictures is None:
            x, y = pool.test
            rows, what = np.flatnonzero(y == pool.label(self.source or "")), f"test images of '{self.source}'"
            images = x[rows]
        else:
            images, what = pool.picture_set(self.pictures), f"pictures of '{self.pictures}'"
            shown = pool.label(pool.picture_labels[self.pictures])
            if shown == target:
                why = f"the pictures '{self.pictures}' show that class already"
                raise ConfigError(f"target class '{self.target}'", why, "choose another class")
            rows = np.arange(len(images))
            y = np.full(len(images), shown, np.int64)
        right = self._right(pool, images, y[rows])
        if np.count_nonzero(right) < self.victims:
            why = f"the surrogate gets {np.count_nonzero(right)} of {len(rows)} {what} right"
            raise ConfigError(
                f"{self.victims} victims", why, "attack fewer, or train the baseline for longer"
            )
        chosen = choose(rng, np.flatnonzero(right), self.victims)
        return images[chosen], rows[chosen]

    def _right(self, pool: Pool, images: Images, y: Labels) -> npt.NDArray[np.bool_]:
        answers = pool.surrogate.answer(images)
        return np.asarray(answers.argmax(axis=1) == y)

    def _bases(self, pool: Pool, target: int, rng: np.random.Generator) -> Rows:
        """Return int64[V, P], different rows of the target class."""
        rows = pool.free[pool.y[pool.free] == target]
        self._check_affordable(len(rows))
        return choose(rng, rows, self.victims * self.poisons).reshape(self.victims, self.poisons)

    def _check_affordable(self, count: int) -> None:
        needed = self.victims * self.poisons
        if needed > count:
            what = f"{self.victims} victims with {self.poisons} poisons each"
            why = f"that takes {needed} rows of class '{self.target}', and {count} can be taken"
            raise ConfigError(what, why, "attack fewer, or take fewer rows for each")


class Bounded(CleanLabel):
    """A clean-label attack whose changes are bounded.

    Parameters
    ----------
    eps : float
        Largest change of any value, of 255; a fraction is cut off, as images hold whole values.
    steps : int
        Steps of the optimizer.
    """

    eps: float = Field(default=8.0, ge=1, le=255)
    steps: int = Field(default=250, ge=1, le=100_000)
