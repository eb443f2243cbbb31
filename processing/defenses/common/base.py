"""What every screening detector has in common: what it is shown, and what it must return."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from boomerang.config import Strict
from boomerang.formats.model import Record
from boomerang.manifest import Bools, Digests, Images, Labels, Rows
from boomerang.scoring import rows_needed
from processing.defenses.common.threshold import too_few

Features = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]
Pooled = Callable[[Images], Iterator[tuple[slice, tuple[Features, ...]]]]

State = TypeVar("State")


class Victim(Protocol):
    """The model that was trained on the suspect rows, as `training.model.ModelView` shows it."""

    def embed(self, x: Images) -> Features:
        """Return float32[N, D], the penultimate layer for uint8[N, H, W, C]."""

    def answer(self, x: Images) -> Features:
        """Return float32[N, K], class probabilities for uint8[N, H, W, C]."""

    @property
    def convolutions(self) -> tuple[str, ...]:
        """The names of its convolutional layers, in order."""

    def slopes(self, layers: Sequence[str]) -> Callable[[Images, Labels], list[Features]]:
        """Return a function uint8[N, H, W, C], int64[N] -> a float32[N, D] for each layer, in one pass.

        See `training.architectures.common.slopes.slopes_of`.
        """

    @property
    def network(self) -> Any:
        """The keras.Model, without its mirror: for `altered_models` to go through, never to be changed."""

    @property
    def record(self) -> Record | None:
        """What its training saw of each row; None where it kept no record. See `recorded`."""

    def pooled(self, layers: Sequence[str]) -> Pooled:
        """Return a function uint8[N, H, W, C] -> batches: where one stands, float32[n, D] for each layer.

        Layers of `network`, averaged over their positions, in one pass; see `training.model.pooled_of`.
        """


@dataclass(frozen=True)
class Suspect:
    """What a defender has. Never the trigger, the truth or the test set.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
        The suspect training set, labels as given.
    trusted_x, trusted_y
        A small clean set that was never within the attacker's reach.
    classes : tuple of str
    victim : Victim
        It is opened when a detector first asks it; one that does not ask costs no TensorFlow.
    seed : int
    found : bool[N] or None
        Rows that a detector which `sets_aside` has flagged before; None is no row.
    sources : int64[N] or None
        Who delivered each row: an index into `source_names`, -1 for nobody; None where that is not known.
    source_names : tuple of str
    vouched : uint8[N, 32] or None
        What each row's source says that it is (`boomerang.blocks.row_digests`), 0 where it says nothing; None
        where no source does.
    reference : Victim or None
        A model that was never within the attacker's reach: the approved one, which has learned rows of the
        past and nothing else. It has seen neither suspect nor trusted rows, so it tells both alike. None
        without rows of the past.
    past_x, past_y : uint8[P, H, W, C] and int64[P], or None
        Rows of the past: clean, of every class as many, drawn by the seed where there are more than Screen
        reads. The victim has learned them as it has learned the suspect rows, and the reference has learned
        them too. None without rows of the past.
    past_rows : int
        How many rows of the past there are, of which those are some.
    """

    x: Images
    y: Labels
    trusted_x: Images
    trusted_y: Labels
    classes: tuple[str, ...]
    victim: Victim
    seed: int
    found: Bools | None = None
    sources: Rows | None = None
    source_names: tuple[str, ...] = ()
    vouched: Digests | None = None
    reference: Victim | None = None
    past_x: Images | None = None
    past_y: Labels | None = None
    past_rows: int = 0

    @property
    def left(self) -> Bools:
        """bool[N], the rows to learn from: those that were not set aside."""
        return np.ones(len(self.y), bool) if self.found is None else ~self.found

    @property
    def record(self) -> Record | None:
        """What the victim's training saw of each row that it learned from, the suspect ones the last of them.

        None where it kept none, as a training in the attacker's hands. `common.recorded` has what is the
        suspect rows' of it.
        """
        return self.victim.record

    def without(self, found: Bools) -> Suspect:
        """Return the same with more rows set aside; features that are known are kept."""
        later = replace(self, found=~self.left | found)
        known = ("features", "trusted_features")
        later.__dict__.update({name: self.__dict__[name] for name in known if name in self.__dict__})
        return later

    @cached_property
    def features(self) -> Features:
        """float32[N, D] of the suspect rows, computed once for all detectors."""
        return self.victim.embed(self.x)

    @cached_property
    def trusted_features(self) -> Features:
        """float32[M, D] of the trusted rows."""
        return self.victim.embed(self.trusted_x)


@dataclass(frozen=True)
class Scored(Generic[State]):
    """What a detector has measured: all that it needs to decide.

    Attributes
    ----------
    scores : float64[N]
        Higher is more suspicious; finite.
    state
        What else the detector decides by and reports, of a type of its own.
    """

    scores: Scores
    state: State


@dataclass(frozen=True)
class Finding:
    """What a detector says.

    Attributes
    ----------
    scores : float64[N]
        Those that were decided on.
    flagged : bool[N]
        Rows that the detector would take out.
    threshold : float or None
        The score above which a row is flagged, where one threshold holds for all rows.
    notes : mapping
        What it found, as plain JSON: per class, per rule.
    warnings : tuple of str
        What it could not look for, and why: that it flags nothing then says nothing.
    """

    scores: Scores
    flagged: Bools
    threshold: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def beside(self, notes: Mapping[str, Any], warnings: Sequence[str] = ()) -> Finding:
        """Return the same with notes before its own, and warnings after."""
        return replace(self, notes={**notes, **self.notes}, warnings=(*self.warnings, *warnings))


class Detector(Strict, ABC):
    """One entry of the screen.

    How to write one: a file `processing/defenses/screening/KIND.py` with one class derived from this one,
    whose docstring says the method, what departs from the paper and why, and what each setting means;
    docs/config.md is made from it. Nothing else has to name it. The class has

    * a field `kind: Literal["KIND"] = "KIND"`, and a field with a default for each setting;
    * `title`, what people call it, and `source`, who published it, with the year; `assumes`, `costs` and
      `fails`, each a sentence or two without a final stop, for whoever chooses: what must be true of the
      data and the poison, what it takes in time and in clean rows, and what it does not find;
    * `score`, which looks at the rows. It learns from rows that are `left` and scores all of them. What
      is drawn at random is drawn from `suspect.seed`: the same suspect gives the same bytes;
    * `decide`, which looks at nothing but what `score` returned. So a threshold can be set anew without
      scoring anew (`Kind(max_fpr=0.01).decide(scored)`), and scores of several detectors can be combined;
    * a field `max_fpr` where its threshold promises a rate of false positives, if it has several rules by
      `trusted`: Screen states it, and the report holds what was reached against it;
    * `needs`, where it needs more of the trusted rows than `max_fpr` does;
    * `example`, where the defaults are too slow for the tests that every detector is put through.

    What several detectors need lies beside this file. TensorFlow, scikit-learn and scipy are imported in
    the function that uses them.

    Class attributes
    ----------------
    sets_aside
        Whether it finds copies, or whatever else is a fact about a row, and asks no features of the victim.
        Detectors after it score those rows too, but do not learn from them: ten copies of a picture would
        else decide in which direction their class varies, and hide what is rarer.
    example
        Settings for the tests.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    assumes: ClassVar[str]
    costs: ClassVar[str]
    fails: ClassVar[str]
    sets_aside: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {}

    kind: str

    @abstractmethod
    def score(self, suspect: Suspect) -> Scored[Any]:
        """Measure every row of the suspect training set; learn from those that are `left`."""

    @abstractmethod
    def decide(self, scored: Scored[Any]) -> Finding:
        """Set the threshold and flag rows, from what a detector of this kind has measured."""

    def screen(self, suspect: Suspect) -> Finding:
        """Score every row and decide."""
        return self.decide(self.score(suspect))

    @property
    def stated_fpr(self) -> float | None:
        """The share of clean rows that it promises to flag at most; None where it promises none."""
        promises = getattr(self, "rule", "trusted") == "trusted"
        return getattr(self, "max_fpr", None) if promises else None

    def needs(self, trusted: int, classes: int | None) -> tuple[str, ...]:
        """Return what it cannot find with so many trusted rows, for who plans a run.

        Parameters
        ----------
        trusted : int
            Trusted rows, as many of each class.
        classes : int or None
            None where only the data's files say how many there are.
        """
        stated = self.stated_fpr
        if stated is None or trusted >= rows_needed(stated):
            return ()
        return (too_few(trusted, stated),)
