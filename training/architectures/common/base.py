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
      does: then sides by epoch are refused unless each is a multiple of it;
    * `recipe`, values of `[train]` that stand where an entry says nothing, and `rates`, factors on the
      learning rate by the name of a variable (`beta` is the bias of every batch norm);
    * `prepare`, if it learns something from rows before it is trained;
    * `example`, where the defaults are too slow for the tests that every architecture is put through.

    Keras is imported in the function that uses it.
    """

    title: ClassVar[str]
    words: ClassVar[str]
    stride: ClassVar[int] = 0
    recipe: ClassVar[Mapping[str, Any]] = {}
    rates: ClassVar[Mapping[str, float]] = {}
    example: ClassVar[Mapping[str, Any]] = {}

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
        """Learn from rows, before the training of a model that was just built; it is changed in place.

        Parameters
        ----------
        model : keras.Model
            What `build` returned.
        x : uint8[N, H, W, C]
            Rows of the training set, 5,000 at most.
        """

    def check_size(self, input_shape: tuple[int, int, int], least: int) -> None:
        """Refuse images that the network has too many poolings for.

        Raises
        ------
        ConfigError
            If a side has fewer pixels than `least`.
        """
        height, width, _ = input_shape
        if min(height, width) < least:
            what, why = f"architecture '{self.kind}'", f"it takes images of {least} pixels a side and more"
            raise ConfigError(what, f"{why}, these are {height} x {width}", "take another, or larger images")


def fresh(architecture: Architecture, rows: Labeled, classes: Sequence[str]) -> Any:
    """Return a network for these rows, untrained but prepared on the first of them."""
    height, width, channels = rows.x.shape[1:]
    model = architecture.build((height, width, channels), len(classes))
    architecture.prepare(model, np.asarray(rows.x[:_PREPARED_ON]))
    return model
