"""What the checks say together: suspicious or not, by which, and which class. Never that it is clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.checks.mm_bd import MaximumMargin
from training.checks.neural_cleanse import ReversedTriggers
from training.checks.weight_spectrum import HeadSpectrum, LayerSpectrum


@dataclass(frozen=True)
class Evidence:
    """What one check says.

    Attributes
    ----------
    check : str
        What it is called.
    alarm : bool or None
        None of one that only hints: it alone makes no model suspicious.
    target : int or None
        The class that it points at, alarm or not.
    words : str
        The statistic, and what it is held against.
    """

    check: str
    alarm: bool | None
    target: int | None
    words: str


@dataclass(frozen=True)
class Verdict:
    """All evidence.

    Attributes
    ----------
    evidence : tuple of Evidence
    """

    evidence: tuple[Evidence, ...]

    @property
    def suspicious(self) -> bool:
        """Whether any check raised the alarm."""
        return any(each.alarm for each in self.evidence)

    @property
    def targets(self) -> tuple[int, ...]:
        """The classes that alarms point at, each once."""
        return tuple(
            dict.fromkeys(each.target for each in self.evidence if each.alarm and each.target is not None)
        )


def weigh(
    margins: MaximumMargin,
    triggers: ReversedTriggers | None,
    channels: Sequence[LayerSpectrum],
    head: HeadSpectrum | None,
    *,
    controlled: bool = False,
) -> Verdict:
    """Return what the checks say together; `controlled` where the margins are held against a control's."""
    found = [_of_margins(margins, controlled)]
    if triggers is not None:
        found.append(_of_triggers(triggers))
    found.append(_of_channels(channels))
    found.append(_of_head(head))
    return Verdict(tuple(found))


def _of_margins(margins: MaximumMargin, controlled: bool) -> Evidence:
    largest = "largest margin by the control's" if controlled else "largest margin"
    words = f"{largest} {margins.ratio:.2f} times the median"
    if margins.p is None:
        return Evidence("MM-BD", None, margins.target, f"{words}; too few classes for a p")
    published = "" if margins.p_published is None else f"; as published {margins.p_published:.2g}"
    words += f", p = {margins.p:.2g} (alarm at 0.05{published})"
    return Evidence("MM-BD", margins.alarm, margins.target, words)


def _of_triggers(triggers: ReversedTriggers) -> Evidence:
    at = triggers.smallest
    words = f"smallest patch {triggers.sizes[at]:.1f} pixels, index {triggers.index[at]:.2f} (alarm above 2)"
    if not triggers.enough:
        return Evidence("Neural Cleanse", None, triggers.target, f"{words}; too few classes for an index")
    return Evidence("Neural Cleanse", triggers.alarm, triggers.target, words)


def _of_channels(channels: Sequence[LayerSpectrum]) -> Evidence:
    if not channels:
        return Evidence("Channels (CLP)", None, None, "no convolution has a batch norm after it")
    far = sum(len(layer.far) for layer in channels)
    words = (
        f"{far} of {sum(len(layer.bounds) for layer in channels)} channels lie 3 deviations above their layer"
    )
    return Evidence("Channels (CLP)", None, None, words)


def _of_head(head: HeadSpectrum | None) -> Evidence:
    if head is None:
        return Evidence("Last layer", None, None, "it is no dense layer")
    at = int(head.norms_z.argmax())
    words = f"largest column {head.norms_z[at]:.1f} robust deviations above the median"
    return Evidence("Last layer", None, at, f"{words}, largest bias {head.biases_z.max():.1f}")
