"""The network of a model that somebody brought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import PrivateAttr

from boomerang.errors import ConfigError
from training.architectures.common.base import Architecture

# (H, W, C) and how many classes -> the network.
Build = Callable[[tuple[int, int, int], int], Any]


class AsGiven(Architecture):
    """The network of the model that `[given]` names, its weights drawn anew as its own layers say.

    It is what is trained from scratch where a model is given and no other architecture is named. `[train]`
    has no recommendation for it.
    """

    title = "network of the given model"
    words = "the network of the model file that was given"

    kind: Literal["as_given"] = "as_given"
    _build: Build | None = PrivateAttr(default=None)

    def of(self, build: Build) -> AsGiven:
        """Return the architecture that builds the network of a file."""
        bound = self.model_copy()
        bound._build = build
        return bound

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return the network; raises ConfigError where no file was given."""
        if self._build is None:
            raise ConfigError("architecture 'as_given'", "no model was given", "name its file: given.path")
        return self._build(input_shape, classes)
