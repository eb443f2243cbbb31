"""What every architecture has in common: its settings, its words, and how the network is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from boomerang.config import Strict
from boomerang.errors import ConfigError
from boomerang.manifest import Images
from training.labeled import Labeled

# Two layers that every network has: the penultimate one, which the screens look at, and the last but the
# softmax, which stays exact in mixed precision and whose gradients are asked for.
FEATURES, LOGITS = "features", "logits"
_PREPARED_ON = 5000


class Architecture(Strict, ABC):
    """A network that can be trained.

    How to write one: a file `training/architectures/KIND.py` with one class derived from this one, whose
    docstring says which network it is and what each setting means; docs/config.md is made from it. Nothing
    else has to name it. The class has

    * a field `kind: Literal["KIND"] = "KIND"`, and a field with a default for each setting, which the
      config gives beside `architecture` in its section `[model]`;
    * `title`, what people call it, and `words`, a sentence about it for the report;
    * `build`, which returns the network, untrained. It takes uint8 images as they are stored: scaling is
      its first layer, so that nobody can feed it the wrong range. One layer is named `features`, with the
      output float32[N, D] that the screens look at; one `logits`, float32[N, K], which `features` leads to;
      the output is their softmax. All layers are Keras' own, or the saved model could not be opened in
      safe mode;
    * `stride`, if it takes images of other sides than it was built for, as a network with global pooling
      does: `sizes` of `[train]` may then be its multiples, and are refused for any other network;
    * `recipe`, values of `[train]` that stand where the entry says nothing, chosen on rows that are neither
      learned from nor tested on;
    * `prepare`, where some of it is computed from the rows and not trained, and `rates`, where some of its
      variables learn faster or slower than the rest;
    * `example`, where the defaults are too slow for the tests that every architecture is put through;
    * `in_steps = False` and `solve`, if it does not learn step by step but is solved at once; `most_rows`, if
      it cannot do so for any number of rows.

    Keras is imported in the function that uses it.

    Attributes
    ----------
    recipe : mapping of str to value
        By the name of a setting of `[train]`.
    stride : int
        Each side that it takes is a multiple of it; 0 if it takes none but the one it was built for.
    rates : mapping of str to float
        Factors on the learning rate by the name of a variable: `{"beta": 64.0}` for those of batch norms.
    in_steps : bool
        Whether it learns step by step, as `[train]` says. One that does not takes no notice of `[train]`, and
        nothing goes on from a model of it.
    most_rows : int
        As many as it can learn from; 0 is any number.
    least_px : int
        Pixels that a side of its images has at least; `build` has to check it (`check_size`).
    """

    title: ClassVar[str]
    words: ClassVar[str]
    example: ClassVar[Mapping[str, Any]] = {}
    recipe: ClassVar[Mapping[str, Any]] = {}
    rates: ClassVar[Mapping[str, float]] = {}
    stride: ClassVar[int] = 0
    least_px: ClassVar[int] = 1
    in_steps: ClassVar[bool] = True
    most_rows: ClassVar[int] = 0

    kind: str

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return the network, untrained: a keras.Model, uint8[N, H, W, C] -> float32[N, K].

        Parameters
        ----------
        input_shape : (int, int, int)
            (H, W, C).
        classes : int
            K, 2 or more.
        """

    def prepare(self, model: Any, x: Images) -> None:
        """Set what a fresh model computes from rows before it learns from any; most have nothing of that.

        Parameters
        ----------
        model : keras.Model
            As `build` returned it; it is changed in place.
        x : uint8[N, H, W, C]
            Some of the rows that it is going to learn from, 1 or more.
        """

    def solve(self, rows: Labeled, classes: int) -> Any:
        """Return the network as it has learned from rows, where it is solved at once.

        Parameters
        ----------
        rows : Labeled
            1 to `most_rows` of them.
        classes : int
            K, 2 or more; the rows need not have all.

        Raises
        ------
        TypeError
            If it learns step by step.
        """
        raise TypeError(f"{self.kind} learns step by step")

    def check_steps(self, what: str) -> None:
        """Refuse what trains step by step, where the network does not, with a ConfigError."""
        if not self.in_steps:
            why = f"the network '{self.kind}' is solved at once and takes no steps"
            raise ConfigError(what, why, "leave it out, or take another architecture")

    def check_rows(self, count: int) -> None:
        """Refuse more rows than it can learn from, with a ConfigError."""
        if 0 < self.most_rows < count:
            why = f"the network '{self.kind}' can learn from {self.most_rows:,} at most"
            raise ConfigError(f"{count:,} rows", why, "lower data.train, or take another architecture")

    def check_size(self, input_shape: tuple[int, int, int]) -> None:
        """Refuse images that the network has too many poolings for.

        It is asked when a config is read, where the source says what its images are.

        Raises
        ------
        ConfigError
            If a side has fewer pixels than `least_px`.
        """
        height, width, _ = input_shape
        if min(height, width) < self.least_px:
            what = f"architecture '{self.kind}'"
            why = f"it takes images of {self.least_px} pixels a side and more"
            raise ConfigError(what, f"{why}, these are {height} x {width}", "take another, or larger images")


def fresh(architecture: Architecture, rows: Labeled, classes: Sequence[str]) -> Any:
    """Return a network for these rows, untrained but prepared on the first of them."""
    height, width, channels = rows.x.shape[1:]
    model = architecture.build((height, width, channels), len(classes))
    architecture.prepare(model, np.asarray(rows.x[:_PREPARED_ON]))
    return model
