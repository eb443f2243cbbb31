"""What every attack is: its settings and, beside them, all that the rest of the range knows of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import blocks
from boomerang.config import Strict
from boomerang.errors import BadInput
from boomerang.manifest import Images, Labels
from processing.attacks.common.deeds import Facts, counted, quoted, sentence
from processing.attacks.common.lesson import History, Lesson
from processing.attacks.common.pool import Batch, Pool, Props
from processing.attacks.common.trial import Sample, Stage, Trial

Outcome = Literal["targeted", "untargeted", "backdoor"]
Need = Literal["pictures", "surrogate", "test"]


class Attack(Strict, ABC):
    """One entry of a poison recipe.

    How to write one: a file `processing/attacks/KIND.py` with one class and nothing anywhere else.

    1. Derive from this class; from `processing.attacks.common.backdoor.Backdoor` where a trigger goes onto
       images that then get the target's label. The field `kind: Literal["KIND"] = "KIND"` says what it is
       called in a config. Every other field is a setting: its type and limits are checked when the config
       is read. `target`, `source` and `rate` are called that in every attack that has them.
    2. Say what it is: the class attributes below. Its docstring is its entry in docs/config.md and names the
       paper with its section.
    3. `poison` returns the poisoned rows as a `Batch`: their numbers, labels and images. All chance comes
       from `rng`; `budget`, `choose` and `relabeled` (`processing.attacks.common.pool`) do what most attacks
       do with rows. The images may be an array, for an attack that needs them all at once. A training set
       may be larger than memory: then they are a `Made` (`processing.attacks.common.made`), a function that
       makes those of some rows, and what is read of `pool.x` is read a block at a time (`boomerang.blocks`).
       What is made in `poison` and needed again when success is measured, such as a learned trigger, goes
       into `Batch.kept`. TensorFlow, scikit-learn and the like are imported in the function that uses them.
    4. An attack with a trigger has `stamp`, and names the trigger images that it needs in `image_names`;
       one that uses pictures names their sets in `picture_sets`. A trigger that changes pixel by pixel is
       a `processing.attacks.common.pixels.PixelBackdoor`: it is given as a table, and is fast.
    5. `trial` says what success is measured on, `deed` what it did, in a sentence for people. Both have a
       default, which does for most attacks.
    6. An attacker who runs the training itself: `takes_over = True`, and `train`.

    tests/processing/attacks/test_kinds.py stages every attack by its `example`; what is its own is
    tested in a file of its name beside that.

    Class attributes
    ----------------
    title : str
        What it is called in texts: "BadNets patch".
    outcome : str
        What success means: see `boomerang.metrics.AttackNumbers.asr`.
    references : mapping
        Ids in MITRE ATLAS, NIST AI 100-2 E2025 and OWASP's machine learning top ten; see
        `processing.attacks.common.references`.
    needs : tuple of str
        What the attacker must have beyond the rows that it poisons: `pictures`, the `surrogate`, a model
        trained on the clean data (`Pool.surrogate`), or the images of the `test` set (`Pool.test`). Where
        that hangs on its settings, `requires` says it.
    example : mapping
        Settings with which it can be staged on the pool of tests/helpers/attack_pools.py.
    keeps_labels : bool
        Whether every poisoned row keeps the label that is right: a clean-label attack.
    takes_over : bool
        Whether the attacker runs the victim's training; at most one of a recipe does.

    Parameters
    ----------
    supplier : str
        Who delivers the poison, where the data has suppliers: only their rows are replaced, and rows that are
        added carry their name. Without it any row may be replaced, and what is added is nobody's.
    """

    title: ClassVar[str]
    outcome: ClassVar[Outcome]
    references: ClassVar[Mapping[str, str]] = {}
    needs: ClassVar[tuple[Need, ...]] = ()
    example: ClassVar[Mapping[str, Any]]
    keeps_labels: ClassVar[bool] = False
    takes_over: ClassVar[bool] = False

    kind: str
    name: str = Field(default="", pattern=r"^[a-z0-9_-]{0,63}$")
    supplier: str = Field(default="", exclude_if=lambda supplier: not supplier)

    def requires(self) -> tuple[Need, ...]:
        """Return what it needs with the settings that it has; by default `needs`."""
        return self.needs

    @abstractmethod
    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the poisoned rows; the pool itself is never written to."""

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image.

        Parameters
        ----------
        x : uint8[N, H, W, C], 0..255
        props : mapping of str to array
            What the trigger is made of; see `processing.attacks.common.pool.Props`.

        Raises
        ------
        TypeError
            If the attack has no trigger.
        """
        raise TypeError(f"{self.kind} has no trigger")

    def stamp_in_place(self, x: Images, props: Props) -> None:
        """Put the trigger onto every image of an array itself, a block at a time.

        Parameters
        ----------
        x : uint8[N, H, W, C], 0..255
            Written to; it may be mapped, and then no more than a block of it is in memory.
        props : mapping of str to array
            See `stamp`.

        Raises
        ------
        TypeError
            If the attack has no trigger.
        """
        for _, block in blocks(x):
            block[...] = self.stamp(block, props)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Refuse images that the trigger does not fit; by default it takes any.

        It is asked when a config is read, where the source says what its images are.

        Parameters
        ----------
        image : (int, int, int)
            (H, W, C) of every image.

        Raises
        ------
        ConfigError
            If it does not.
        """

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Refuse data of classes that the attack cannot be staged on; by default it takes any.

        It is asked when a config is read, where the source says what the classes are.

        Raises
        ------
        ConfigError
            If it cannot.
        """

    def check_counts(self, rows: int, of_class: int) -> None:
        """Refuse a training set of which the attack cannot take what it takes; by default any will do.

        It is asked when a config is read, where that says how many rows there are to be. What else an attack
        before it may take is not known then, and is held in `poison`.

        Parameters
        ----------
        rows : int
            Of the training set.
        of_class : int
            Of every class of it.

        Raises
        ------
        ConfigError
            If it cannot.
        """

    def check_change(self, change: Images) -> None:
        """Hold what the attack did to images against what it is to do; by default nothing is asked.

        Parameters
        ----------
        change : uint8[M]
            Of each image made from a row of the training set the largest change of any value, 0..255.

        Raises
        ------
        ConfigError
            If the attack cannot work like that.
        """

    def train(self, lesson: Lesson) -> tuple[Any, History]:
        """Return the victim, a trained `keras.Model`, and its history, as the attacker trains it.

        Where several machines train together, each calls this, and the first one's model is saved.

        Raises
        ------
        TypeError
            If the attack does not take over the training.
        """
        raise TypeError(f"{self.kind} leaves the training alone")

    def trial(self, stage: Stage) -> Trial:
        """Return what success is measured on.

        By default, of an attack with a target, the test images of its source, or where there is none
        those of every class but the target; of another nothing.
        """
        target = self.target_class()
        if target is None or self.outcome == "untargeted":
            return self.measured_on(stage.nothing())
        return self.measured_on(stage.victims(self.source_class(), target), stage.label(target))

    def measured_on(
        self, sample: Sample, target: int | Labels | None = None, stamped: Images | None = None
    ) -> Trial:
        """Return the trial on these images.

        Parameters
        ----------
        sample : Sample
        target : int, int64[N] or None
            The class that they should be called, or one of each; None where there is none, and then no image
            either.
        stamped : uint8[N, H, W, C], optional
            The same images with the trigger.
        """
        return Trial(
            name=self.name,
            kind=self.kind,
            outcome=self.outcome,
            target=target if isinstance(target, int) else None,
            x=sample.x if stamped is None else stamped,
            before=None if stamped is None else sample.x,
            y=sample.y,
            sources=sample.sources,
            rows=sample.rows,
            targets=target if isinstance(target, np.ndarray) else None,
        )

    def deed(self, facts: Facts) -> str:
        """Return what the attack did, in a plain sentence that the report shows."""
        target = self.target_class()
        aim = "" if target is None else f", so that the model says {quoted(target)}"
        return f"{sentence(self.title)}: {counted(facts.rows, 'training picture')} poisoned{aim}."

    def picture_sets(self) -> tuple[str, ...]:
        """Return the picture sets that the attack turns into poison."""
        return ()

    def image_names(self) -> tuple[str, ...]:
        """Return the trigger images that `stamp` needs."""
        return ()

    def target_class(self) -> str | None:
        """Return the class that the attack aims at, if any."""
        return getattr(self, "target", None)

    def class_names(self) -> tuple[str, ...]:
        """Return every class that the attack names; by default its target and its source."""
        return tuple(name for name in (self.target_class(), self.source_class()) if name is not None)

    def source_class(self) -> str | None:
        """Return the class that the attack is measured on; None is every class but the target."""
        return getattr(self, "source", None)


def check_stampable(x: Images) -> None:
    """Check that a trigger can be put onto images; raises BadInput for all but uint8[N, H, W, C].

    A lone image would else be taken for a batch of gray ones, and fractions for values of 0 and 1.
    """
    if x.dtype == np.uint8 and x.ndim == 4:
        return
    do = "give uint8[N, H, W, C], values 0..255"
    if x.ndim == 3:
        do += ": of a lone image x[None], of gray images without channels x[..., None]"
    elif x.dtype.kind == "f":
        do += ": of fractions np.rint(x * 255).astype(np.uint8)"
    raise BadInput("the images for a trigger", f"they are {x.dtype}{list(x.shape)}", do)
