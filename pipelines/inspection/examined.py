"""All checks of one model, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from boomerang.errors import BadInput
from pipelines.inspection.subject import Subject
from training.checks.mm_bd import MaximumMargin, judged, largest_margins
from training.checks.neural_cleanse import LEAST_ROWS, ReversedTriggers, neural_cleanse
from training.checks.weighed import Verdict, weigh
from training.checks.weight_spectrum import HeadSpectrum, LayerSpectrum, channels_of, head_of
from training.labeled import Labeled

Say = Callable[[str], None]

# Up to so many classes all are reversed; of more, those that MM-BD ranks first and some that are drawn.
_ALL, _FIRST, _DRAWN = 20, 3, 7


@dataclass(frozen=True)
class Examined:
    """What the checks of a model found.

    Attributes
    ----------
    margins : MaximumMargin
    triggers : ReversedTriggers or None
        None without clean rows.
    channels : tuple of LayerSpectrum
    head : HeadSpectrum or None
    control : str
        What the margins were held against; empty where there was no control.
    verdict : Verdict
    cpu_s : mapping of str to float
        What each check took, in seconds of the processor.
    """

    margins: MaximumMargin
    triggers: ReversedTriggers | None
    channels: tuple[LayerSpectrum, ...]
    head: HeadSpectrum | None
    control: str
    verdict: Verdict
    cpu_s: dict[str, float]


def examine(
    subject: Subject, control: Subject | None, clean: Labeled | None, seed: int, say: Say
) -> Examined:
    """Put a model to all checks that what was given allows.

    Parameters
    ----------
    subject : Subject
    control : Subject or None
        A model of the same task that no attacker could reach.
    clean : Labeled or None
        Clean rows; without them no trigger is reversed.
    seed : int
        Of what is drawn.
    say : callable
        Is told how far it got.

    Raises
    ------
    BadInput
        If the control is of another task, the clean rows are too few, or the model gives no finite answers or
        no gradient.
    """
    if control is not None and control.model.output_shape != subject.model.output_shape:
        why = f"it has {control.model.output_shape[1]} classes, the model {subject.model.output_shape[1]}"
        raise BadInput(f"the control {control.name}", why, "give a model of the same task")
    if clean is not None and len(clean.y) < LEAST_ROWS:
        raise BadInput("--clean", f"it has {len(clean.y)} rows", f"give {LEAST_ROWS} or more")
    watch = _Watch()
    own = largest_margins(subject.model, seed, say)
    if not np.isfinite(own).all():
        why = "for images of noise it answers with numbers that are not finite"
        raise BadInput(f"the model {subject.name}", why, "give one whose weights are finite")
    other = None if control is None else largest_margins(control.model, seed, say)
    margins = judged(own, other)
    watch.lap("MM-BD")
    triggers = None
    if clean is not None:
        classes = classes_to_reverse(margins, seed)
        triggers = neural_cleanse(subject.model, clean.x, classes, seed, say)
        watch.lap("Neural Cleanse")
    channels, head = channels_of(subject.model), head_of(subject.model)
    watch.lap("weights")
    found = weigh(margins, triggers, channels, head, controlled=control is not None)
    return Examined(margins, triggers, channels, head, control.name if control else "", found, watch.laps)


def classes_to_reverse(margins: MaximumMargin, seed: int) -> Sequence[int]:
    """Return the classes whose triggers are reversed: all of up to 20, of more 10.

    They are the three with the largest margins, and seven that are drawn to hold their patches against.
    """
    ranked = np.argsort(-margins.values, kind="stable")
    if len(ranked) <= _ALL:
        return range(len(ranked))
    others = np.random.default_rng(seed).choice(ranked[_FIRST:], _DRAWN, replace=False)
    return [*map(int, ranked[:_FIRST]), *sorted(map(int, others))]


class _Watch:
    """Seconds of the processor between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = process_time()

    def lap(self, name: str) -> None:
        """Note what was taken since the last."""
        now = process_time()
        self.laps[name], self._last = now - self._last, now
