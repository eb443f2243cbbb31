"""The folder `predictions` of an evaluation: what every model called every image that a rate is counted on.

index.json     classes, models and, of each attack, its name, outcome and target
SET-y.npy      int16[N], what the images of a set show
SET-MODEL.npy  int16[N], what a model called them
SET-target.npy int16[N], what an attack's images should be called, where that is not one class for all

SET is `test` for the test images, `attack-K` for those that the K-th attack of the recipe (from 1) is
measured on, and `attack-K-plain` for the same without the trigger, where the attack has one. A class is its
index; -1 is an answer that is no finite number. The rows of all models are the same images in the same
order, so two models, or two runs on the same data, can be compared in pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from boomerang.config import Strict, validate
from boomerang.errors import BadInput
from boomerang.manifest import Bools
from boomerang.safeio import load_json, load_npy, write_json_atomic

PREDICTIONS = "predictions"

_INDEX = "index.json"
# What no model answers: -1 is no answer.
_NO_CLASS = -2
_UNFIT, _AGAIN = "the predictions do not fit together", "run Evaluate again"

Called = npt.NDArray[np.int16]


class _Attack(Strict):
    """What `index.json` says of an attack."""

    name: str
    outcome: str
    target: int | None = Field(ge=0)
    plain: bool
    targets: bool = False


class _Index(Strict):
    """The whole of `index.json`."""

    format: Literal[1] = 1
    classes: tuple[str, ...] = Field(min_length=1, max_length=32_767)
    models: tuple[str, ...] = Field(min_length=1)
    attacks: tuple[_Attack, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(each.target is not None and each.target >= len(self.classes) for each in self.attacks):
            raise ValueError("the target of an attack is no class")
        if not all(name.isidentifier() for name in self.models):
            raise ValueError("a model's name is no plain word")
        return self


@dataclass(frozen=True)
class Answers:
    """What the models called one set of images.

    Attributes
    ----------
    y : int16[N]
        What the images show.
    calls : mapping of str to int16[N]
        By model, the class that it gave; -1 is no answer.
    """

    y: Called
    calls: Mapping[str, Called]


@dataclass(frozen=True)
class AttackAnswers:
    """What the models called the images that an attack is measured on.

    Attributes
    ----------
    name, outcome : str
    target : int or None
        The index of its class; None if it aims at none, or at one of each image's own.
    shown : Answers
        With the trigger, where the attack has one; of no image if it aims at no class.
    plain : Answers or None
        The same images without it.
    targets : int16[N] or None
        The class that each image should be called, where that is not one for all.
    """

    name: str
    outcome: str
    target: int | None
    shown: Answers
    plain: Answers | None = None
    targets: Called | None = None

    def fooled(self, model: str) -> Bools:
        """Return bool[N]: the images that a model gives to the attacker's class; none if there is none."""
        aim = self.target if self.targets is None else self.targets
        return np.asarray(self.shown.calls[model] == (_NO_CLASS if aim is None else aim), bool)


@dataclass(frozen=True)
class Predictions:
    """The whole folder; `attacks` are in the order of the recipe."""

    classes: tuple[str, ...]
    test: Answers
    attacks: Sequence[AttackAnswers] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were asked."""
        return tuple(self.test.calls)

    def sets(self) -> dict[str, Answers]:
        """Return every set by the name of its files."""
        found = {"test": self.test}
        for number, attack in enumerate(self.attacks, 1):
            found[f"attack-{number}"] = attack.shown
            if attack.plain is not None:
                found[f"attack-{number}-plain"] = attack.plain
        return found


def write_predictions(evaluation: Path, predictions: Predictions) -> None:
    """Write the folder into that of an evaluation, which whoever writes it commits."""
    folder = evaluation / PREDICTIONS
    folder.mkdir()
    for name, answers in predictions.sets().items():
        for column, called in {"y": answers.y, **answers.calls}.items():
            np.save(folder / f"{name}-{column}.npy", np.asarray(called, np.int16), allow_pickle=False)
    for number, attack in enumerate(predictions.attacks, 1):
        if attack.targets is not None:
            np.save(folder / f"attack-{number}-target.npy", np.asarray(attack.targets, np.int16))
    index = _Index(
        classes=predictions.classes,
        models=predictions.models,
        attacks=tuple(
            _Attack(
                name=a.name,
                outcome=a.outcome,
                target=a.target,
                plain=a.plain is not None,
                targets=a.targets is not None,
            )
            for a in predictions.attacks
        ),
    )
    write_json_atomic(folder / _INDEX, index.model_dump(mode="json"))


def open_predictions(evaluation: Path) -> Predictions:
    """Read the folder `predictions` of an evaluation, which `open_evaluation` verifies.

    Raises
    ------
    BadInput, ConfigError
        If a file is missing or malformed, or the files do not fit together.
    """
    folder = evaluation / PREDICTIONS
    index = validate(_Index, load_json(folder / _INDEX), where=f"{PREDICTIONS}/{_INDEX}")
    attacks = []
    for number, each in enumerate(index.attacks, 1):
        shown = _answers(folder, f"attack-{number}", index)
        plain = _answers(folder, f"attack-{number}-plain", index) if each.plain else None
        if plain is not None and not np.array_equal(plain.y, shown.y):
            raise BadInput(_UNFIT, f"attack-{number}-plain is of other images than attack-{number}", _AGAIN)
        targets = _targets(folder, number, index, shown) if each.targets else None
        attacks.append(AttackAnswers(each.name, each.outcome, each.target, shown, plain, targets))
    return Predictions(index.classes, _answers(folder, "test", index), tuple(attacks))


def _targets(folder: Path, number: int, index: _Index, shown: Answers) -> Called:
    targets = _called(folder / f"attack-{number}-target.npy", len(index.classes), least=0)
    if len(targets) != len(shown.y):
        why = f"attack-{number}-target.npy has {len(targets)} targets of {len(shown.y)} images"
        raise BadInput(_UNFIT, why, _AGAIN)
    return targets


def _answers(folder: Path, name: str, index: _Index) -> Answers:
    y = _called(folder / f"{name}-y.npy", len(index.classes), least=0)
    calls = {model: _called(folder / f"{name}-{model}.npy", len(index.classes)) for model in index.models}
    for model, called in calls.items():
        if len(called) != len(y):
            raise BadInput(_UNFIT, f"{name}-{model}.npy has {len(called)} answers to {len(y)} images", _AGAIN)
    return Answers(y, calls)


def _called(path: Path, classes: int, least: int = -1) -> Called:
    called = load_npy(path, kinds="i", ndim=1)
    if called.dtype != np.int16 or (called.size and not least <= called.min() <= called.max() < classes):
        why = f"it is no int16 from {least} to {classes - 1}"
        raise BadInput(f"{PREDICTIONS}/{path.name}", why, _AGAIN)
    return called
