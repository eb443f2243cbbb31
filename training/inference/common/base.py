"""What every defense at inference has in common: it wraps a model, and the whole is a model again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from boomerang.config import Strict
from training.architectures.common import inside
from training.architectures.common.base import FEATURES, LOGITS
from training.labeled import Labeled

# Of the number in the name of a layer that Keras has named.
_MOST_DIGITS = 5


class InferenceDefense(Strict, ABC):
    """Something between the images and the model, or between the model and its answer.

    How to write one: a file `training/inference/KIND.py` with one class derived from this one, whose
    docstring says the method, what departs from the paper and why, and what each setting means;
    docs/config.md is made from it. Nothing else has to name it. The class has

    * a field `kind: Literal["KIND"] = "KIND"`, and a field with a default for each setting;
    * `title`, what people call it, and `source`, who published it, with the year; `assumes`, `costs` and
      `fails`, each a sentence or two without a final stop, for whoever chooses: what must be true of the
      trigger, what it takes in time, clean rows and accuracy, and what passes it;
    * `wrap`, which returns a functional keras.Model: uint8[N, H, W, C] -> float32[N, K], probabilities, of
      the same images and classes as the model that it wraps. `through(model, images)` asks that model, flat:
      its layers `features` and `logits` are the whole's. It is saved as it is, so it holds all that it was
      calibrated to, as weights or as constants; it draws nothing at random but from a seeded layer;
    * `refuses`, if it refuses rows: what it answers to a row that it refuses is NaN for every class. Whoever
      asks such a model takes that for an answer (`training.model.calls_of` calls it NO_ANSWER): Evaluate
      counts a refused clean row as wrong, and a refused row with a trigger as no success of the attack; the
      endpoint answers null. `common.refusing` has what those have in common;
    * `trusted_rows`, how many trusted rows it needs, if it needs any: it is not started with fewer;
    * layers of its own only where Keras' own (and `keras.ops`) will not do. Then `custom_objects` names
      them, and a model that is wrapped so can be opened by this project alone;
    * `example`, where the defaults are too slow for the tests that every one is put through.

    Keras is imported in the function that uses it.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    assumes: ClassVar[str]
    costs: ClassVar[str]
    fails: ClassVar[str]
    example: ClassVar[Mapping[str, Any]] = {}
    refuses: ClassVar[bool] = False

    kind: str

    @property
    def trusted_rows(self) -> int:
        """How many trusted rows it needs."""
        return 0

    @abstractmethod
    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model with this around it.

        Parameters
        ----------
        model : keras.Model
            uint8[N, H, W, C] -> float32[N, K]. It is not trained any further.
        trusted : Labeled
            Clean rows, to calibrate on.
        """

    @classmethod
    def custom_objects(cls) -> dict[str, Any]:
        """Return the layers of its own, by the name that they are saved under."""
        return {}


def through(model: Any, images: Any) -> Any:
    """Return a model's symbolic answer to symbolic images, its layers laid flat, not one layer in another.

    What the answer is computed from first is gone through first. Where a model asks some of its layers
    several times, as one that looks at more than the image does, their first outputs are those for the image.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional.
    images : keras.KerasTensor
        uint8[N, H, W, C].
    """
    return inside.through(model.inputs[0], images, model.outputs[0])


def wrapped(model: Any, defenses: Sequence[InferenceDefense], trusted: Labeled) -> Any:
    """Return a model with defenses around it, the first one innermost.

    Raises
    ------
    TypeError
        If what a defense returns is not like the model that it was given: the defense has a bug.
    """
    from keras.saving import custom_object_scope

    objects: dict[str, Any] = {}
    for defense in defenses:
        objects |= defense.custom_objects()
        _count_names(model)
        with custom_object_scope(objects):
            whole = anew(defense.wrap(model, trusted))
        _check(defense.kind, whole, model)
        model = whole
    return model


def _count_names(model: Any) -> None:
    """Have Keras call no new layer as one of a model's: it counts those that it made, not what it opened."""
    from keras.backend import get_uid

    for operation in getattr(model, "operations", model.layers):
        prefix, _, number = operation.name.rpartition("_")
        numbered = prefix and number.isdecimal() and len(number) <= _MOST_DIGITS
        name, least = (prefix, int(number) + 1) if numbered else (operation.name, 1)
        while get_uid(name) < least:
            pass


def anew(model: Any) -> Any:
    """Return a copy of a model, as it would be saved and opened.

    The layers of what was wrapped hang in two graphs, and `layer.output` is that of the first.
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def _check(kind: str, whole: Any, model: Any) -> None:
    layers = {layer.name for layer in whole.layers}
    same = whole.input_shape == model.input_shape and whole.output_shape == model.output_shape
    if not same or len(whole.inputs) != 1 or not {FEATURES, LOGITS} <= layers:
        raise TypeError(f"{kind} made a model of other images or classes, or hid its features or logits")
