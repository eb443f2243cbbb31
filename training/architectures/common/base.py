"""What every architecture has in common: its settings, its words, and how the network is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from boomerang.config import Strict

# Two layers that every network has: the penultimate one, which the screens look at, and the last but the
# softmax, which stays exact in mixed precision and whose gradients are asked for.
FEATURES, LOGITS = "features", "logits"


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
    * `example`, where the defaults are too slow for the tests that every architecture is put through.

    Keras is imported in the function that uses it.
    """

    title: ClassVar[str]
    words: ClassVar[str]
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
