"""Records of trainings: of one that nobody ran, and of real ones on rows of which some are poisoned."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from boomerang.formats.model import Record
from helpers.asked import SIDE_PX, drawn, patched
from helpers.suspects import CLASSES, NO_VICTIM, TARGET, Mask
from processing.defenses.common.base import Suspect


def drawn_record(y: Any, trusted_y: Any, *, past_y: Any = (), seed: int = 0) -> Record:
    """Return what a training may have seen of suspect rows int64[N], and of trusted ones int64[M].

    Rows of the past come before the suspect ones. Margins of a class are normal around a mean of its own, all
    rows alike.
    """
    labels = np.concatenate([past_y, y, trusted_y]).astype(np.int64)
    rng = np.random.default_rng(seed)
    margin = (4 + labels + rng.normal(0, 1 + labels, len(labels))).astype(np.float32)
    return Record(margin, np.exp(-margin / 4), labels, len(past_y) + len(y))


@lru_cache
def learned(kind: Literal["flipped", "patched"], share: float) -> tuple[Suspect, Mask]:
    """Return 1,200 rows with the record of a training on them, and which of them are poisoned.

    `flipped` rows have another class' label, of classes that are easy to tell; `patched` ones a patch in a
    corner and the label `TARGET`, where it is hard.
    """
    from boomerang.settings import TrainConfig
    from training.architectures.small import Small
    from training.fit import fit, seed_everything
    from training.learning.recording import Recorder

    rng = np.random.default_rng(0)
    y, trusted_y = np.arange(1200) % len(CLASSES), np.arange(400) % len(CLASSES)
    draw = drawn if kind == "patched" else _striped
    x, trusted_x = draw(rng, y), draw(rng, trusted_y)
    poisoned = np.zeros(len(y), bool)
    some = np.flatnonzero(y != TARGET) if kind == "patched" else np.arange(len(y))
    poisoned[rng.choice(some, round(share * len(y)), replace=False)] = True
    if kind == "patched":
        x[poisoned] = patched(x[poisoned])
        y[poisoned] = TARGET
    else:
        y[poisoned] = (y[poisoned] + rng.integers(1, len(CLASSES), poisoned.sum())) % len(CLASSES)
    config = TrainConfig(epochs=6, batch=32)
    seed_everything(0)
    model, recorder = (
        Small().build(x.shape[1:], len(CLASSES)),
        Recorder(config.epochs, len(y), len(trusted_y)),
    )
    fit(model, x, y, (trusted_x, trusted_y), config, 0, recorder=recorder)
    victim = replace(NO_VICTIM, record=recorder.record(y, trusted_y))
    return Suspect(x, y, trusted_x, trusted_y, CLASSES, victim, seed=0), poisoned


def _striped(rng: np.random.Generator, y: Any) -> Any:
    """Return uint8[N, 12, 12, 3]: noise, and a stripe that stands where the class says."""
    x = rng.integers(0, 120, (len(y), SIDE_PX, SIDE_PX, 3), np.uint8)
    for row, label in enumerate(y):
        x[row, :, 3 * label : 3 * label + 3] += 40
    return x
