"""What every repair has in common: it is given a model, and returns a better one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from boomerang.config import Strict, validate
from boomerang.settings import TrainConfig

if TYPE_CHECKING:
    from training.repair.common.bench import Bench


class Repair(Strict, ABC):
    """One entry of `harden`; they are applied one after the other.

    How to write one: a file `training/repair/KIND.py` with one class derived from this one, whose docstring
    says the method, what departs from the paper and why, and what each setting means; docs/config.md is made
    from it. Nothing else has to name it. The class has

    * a field `kind: Literal["KIND"] = "KIND"`, and a field with a default for each setting;
    * `title`, what people call it, and `source`, who published it, with the year; `assumes`, `costs` and
      `fails`, each a sentence or two without a final stop, for whoever chooses: what must be true of the
      victim and the poison, what it takes in time, clean rows and accuracy, and what it leaves in the model;
    * `fresh = True`, if it does not look at the model that it is given: as the first repair it is given None;
    * `needs_screen = True`, if there is nothing that it can do without rows that a screen flagged;
    * `trusted_per_class`, how many trusted rows of each class it needs, if it needs any: it is not started
      with fewer;
    * `repair`, which returns the repaired model: uint8 images to probabilities, with layers `features` and
      `logits`, as an architecture builds it. It trains with `bench.fit`, which goes on where a stopped job
      was and shares the work among machines; a whole training from nothing is `bench.anew`. What is drawn at
      random is drawn from `bench.seed`; TensorFlow, numpy and Python are seeded with it before each repair.
      The same bench gives the same weights;
    * `example`, where the defaults are too slow for the tests that every repair is put through.

    Where several machines train, each calls `repair`, with as many calls of `bench.fit`. In those but the
    first, `fit` leaves the model as it was; what they return is thrown away.

    A repair sees what a defender has: never the trigger, the truth or the test set. What several repairs need
    lies beside this file. TensorFlow is imported in the function that uses it.

    Class attributes
    ----------------
    fresh
        Whether it needs no model to start from.
    needs_screen
        Whether it works with the rows that a screen flagged.
    trusted_per_class
        Trusted rows of each class that it needs at least.
    example
        Settings for the tests.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    assumes: ClassVar[str]
    costs: ClassVar[str]
    fails: ClassVar[str]
    fresh: ClassVar[bool] = False
    needs_screen: ClassVar[bool] = False
    trusted_per_class: ClassVar[int] = 0
    example: ClassVar[Mapping[str, Any]] = {}

    kind: str

    def training(self, config: TrainConfig, **own: Any) -> TrainConfig:
        """Return another training than that of a config: at full size, and with some settings of its own.

        Raises
        ------
        ConfigError
            About this repair, if they cannot be.
        """
        return validate(TrainConfig, {**config.model_dump(), "sizes": (), **own}, where=self.kind)

    @abstractmethod
    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the repaired model; the one that is given may be changed in place.

        Parameters
        ----------
        model : keras.Model or None
            The victim, or what the repair before this one returned. None only where the repair is `fresh`.
        bench : Bench
        """
