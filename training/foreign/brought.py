"""A model file that somebody brought, fitted to the images and the classes of the data."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import Calls
from boomerang.safeio import display_name, load_foreign_model
from boomerang.settings import GivenFile
from training.architectures.as_given import AsGiven
from training.architectures.common.base import FEATURES, LOGITS
from training.architectures.common.inside import made_of, ways_to_logits
from training.foreign.adopted import check_form, laid_flat, white_of
from training.foreign.fed import SCALES, feeding
from training.labeled import Labeled
from training.model import calls_of, classifier

Shape = tuple[int, int, int]

# As many rows tell a scale from another.
_TRIED_ON = 5000
# Standard deviations by which one scale has to be better than another.
_CLEARLY = 2.0
_LEAST_RIGHT = 0.5


@dataclass(frozen=True)
class Brought:
    """A model file, opened when it is first asked; see `boomerang.settings.GivenFile`.

    Attributes
    ----------
    file : Path
    said : GivenFile
        What its owner says of it.
    """

    file: Path
    said: GivenFile

    @cached_property
    def model(self) -> Any:
        """The model as it is in the file.

        Raises
        ------
        BadInput
            If it is none, is damaged, would run code, or is no classifier of images.
        """
        model = load_foreign_model(self.file)
        check_form(model, self.name)
        return model

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"model {display_name(self.file.name)}"

    @property
    def shape(self) -> Shape:
        """(H, W, C) of the images that it takes itself."""
        return self.model.input_shape[1:]  # type: ignore[no-any-return]  # Keras has no types

    @property
    def known_scale(self) -> str | None:
        """The scale that it was given with, or that its own layers say; None where neither does.

        Raises
        ------
        ConfigError
            If the two are not the same.
        """
        own = None if white_of(self.model) is None else "0..255"
        if self.said.scale == "auto":
            return own
        if own not in (None, self.said.scale):
            why = f"{self.name} scales its images itself, from {own}"
            raise ConfigError(f"'given.scale' {self.said.scale}", why, "leave it out")
        return self.said.scale

    def check(self, classes: int | None = None) -> None:
        """Hold it against what is known before any job.

        Parameters
        ----------
        classes : int, optional
            How many the data has.

        Raises
        ------
        BadInput, ConfigError
            If it cannot be opened, has not as many outputs, or a setting does not fit it.
        """
        self.check_classes(classes)
        self.fitted(self.shape, self.known_scale or next(iter(SCALES)))

    def check_classes(self, classes: int | None) -> None:
        """Refuse a model of another number of classes, as a BadInput; None is not known yet."""
        outputs = self.model.output_shape[1]
        if classes not in (None, outputs):
            why = f"it has {outputs} outputs, and the data has {classes} classes"
            do = "give a model of the data's classes, or name those of the model: data.classes"
            raise BadInput(self.name, why, do)

    def fitted(self, shape: Shape, scale: str) -> Any:
        """Return it in the form of ours, for images (H, W, C) = `shape`; it is a copy, and learns as a whole.

        Raises
        ------
        ConfigError
            If it has no layer for `features`.
        """
        model = laid_flat(self.model, shape, feeding(self.shape, scale), features=self.said.features)
        for layer in model.layers:
            layer.trainable = True
        if FEATURES not in (ways := ways_to_logits(model)):
            own = [layer.name for layer in model.layers if layer.name in ways and layer.name != LOGITS]
            vectors = [name for name in own if len(ways[name].shape) == 2]
            why = "it does not end in a dense layer, before which its features would be"
            do = f"name one of its layers: {', '.join(vectors)}" if vectors else "give another model"
            raise ConfigError(f"'given.features' of {self.name}", why, do)
        return model

    def scale(self, trusted: Labeled) -> str:
        """Return its scale; where nothing says it, that with which it is clearly best on trusted rows.

        Better is more rows right, by two standard deviations of the rows that only one of two has right
        (McNemar 1947): than with any other scale, and than always saying the class that most rows have. One
        with which it is right on less than half of them is not known to be its own.

        Raises
        ------
        ConfigError
            If none is.
        """
        if known := self.known_scale:
            return known
        rows = np.linspace(0, len(trusted.y) - 1, min(len(trusted.y), _TRIED_ON)).astype(int)
        x, y = np.asarray(trusted.x[rows]), np.asarray(trusted.y[rows])
        right = {scale: self._calls(x, scale) == y for scale in SCALES}
        ranked = sorted(right, key=lambda scale: -int(right[scale].sum()))
        best, guessed = right[ranked[0]], y == np.bincount(y).argmax()
        said = ", ".join(f"{scale} {hits.mean():.1%}" for scale, hits in right.items())
        others = (right[ranked[1]], right[ranked[2]], guessed)
        if best.mean() >= _LEAST_RIGHT and all(_clearly_better(best, other) for other in others):
            print(f"right on {len(y)} trusted rows by scale: {said}", flush=True)
            return ranked[0]
        why = f"nothing in it says it, and on {len(y)} trusted rows none is clearly right: {said}"
        do = 'set given.scale to "0..1", "0..255" or "-1..1"; if each is bad, it did not learn these classes'
        raise ConfigError(f"'given.scale' of {self.name}", why, do)

    def _calls(self, x: Any, scale: str) -> Calls:
        return calls_of(classifier(self.fitted(x.shape[1:], scale))(x))

    def architecture(self, trusted: Labeled) -> AsGiven:
        """Return its network as an architecture, scaled as is found on trusted rows."""

        def build(input_shape: Shape, classes: int) -> Any:
            import keras

            before = random.getstate()  # from which Keras draws a seed for each layer
            self.check_classes(classes)
            model = self.fitted(input_shape, self.scale(trusted))
            random.setstate(before)
            # A copy without the weights has them drawn as the layers say.
            return keras.models.clone_model(model)

        return AsGiven().of(build)


def feature_layer(model: Any) -> str:
    """Return which layer's output is `features` in a model of `Brought.fitted`."""
    return str(made_of(ways_to_logits(model)[FEATURES])[0]._keras_history[0].name)


def _clearly_better(one: Any, other: Any) -> bool:
    """Whether rows bool[N] that one has right are more than another's by more than chance gives."""
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    return gained - lost > _CLEARLY * math.sqrt(gained + lost)
