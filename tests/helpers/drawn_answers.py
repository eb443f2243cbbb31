"""Predictions that fit drawn numbers: of every model and attack just as many right and wrong ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from boomerang.formats.predictions import Answers, AttackAnswers, Called, Predictions
from boomerang.metrics import AttackNumbers, ModelNumbers
from training.model import NO_ANSWER


def drawn_predictions(
    classes: tuple[str, ...], y: Called, calls: Mapping[str, Called], models: Mapping[str, ModelNumbers]
) -> Predictions:
    """Return int16[N] of the test set as they are, and of every attack what its rates say."""
    attacks = zip(*(numbers.attacks for numbers in models.values()), strict=True)
    return Predictions(
        classes=classes,
        test=Answers(y, calls),
        attacks=tuple(_attacked(classes, tuple(models), each) for each in attacks),
    )


def _attacked(
    classes: tuple[str, ...], models: Sequence[str], numbers: Sequence[AttackNumbers]
) -> AttackAnswers:
    first = numbers[0]
    target = None if first.target is None else classes.index(first.target)
    y = np.zeros(0 if first.asr is None else first.asr.total, np.int16)
    shown = {name: _called(len(y), target, each) for name, each in zip(models, numbers, strict=True)}
    plain = None
    if first.plain_accuracy is not None:
        plain = Answers(y, {name: _plain(len(y), n) for name, n in zip(models, numbers, strict=True)})
    return AttackAnswers(first.name, first.outcome, target, Answers(y, shown), plain)


def _called(images: int, target: int | None, numbers: AttackNumbers) -> Called:
    """Return int16[N]: the target class first, then class 0, which the images show, then another."""
    calls = np.ones(images, np.int16)
    if numbers.asr is None or numbers.ra is None or target is None:
        calls[:1] = NO_ANSWER
        return calls
    calls[: numbers.asr.successes] = target
    calls[numbers.asr.successes :][: numbers.ra.successes] = 0
    return calls


def _plain(images: int, numbers: AttackNumbers) -> Called:
    calls = np.ones(images, np.int16)
    calls[: numbers.plain_accuracy.successes if numbers.plain_accuracy else 0] = 0
    return calls
