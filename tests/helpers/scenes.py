"""What a run that is made for a test is to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Scene:
    """What the run is to show.

    Attributes
    ----------
    attacked, hardened : bool
        Whether there is poison, and whether a hardened model is the candidate.
    victim_asr, hardened_asr : float
        How often the cyan square works.
    hardened_accuracy : float
    more : int
        How many attacks there are beside the two: marks that work the less, the later they come, and flipped
        labels, which aim at no class.
    unanswered : int
        Test pictures, marked ones among them, and canaries to which the candidate's answer is no number.
    refused : int
        Instead: so many of each that the candidate refuses, by what wraps it.
    canaries : int
        How many were frozen.
    notices : bool
        Whether Preprocess left files out, and Poison warns of its trigger.
    classes : tuple of str
    stop : str
        The step that fails, if any.
    cached : tuple of str
        Steps whose work an earlier run had done.
    signed : bool
        Whether what the steps made was signed.
    title : str
        What the package is called in the lineage.
    """

    attacked: bool = True
    hardened: bool = True
    victim_asr: float = 0.97
    hardened_asr: float = 0.02
    hardened_accuracy: float = 0.893
    more: int = 0
    unanswered: int = 0
    refused: int = 0
    canaries: int = 55
    notices: bool = False
    classes: tuple[str, ...] = CLASSES
    stop: str = ""
    cached: tuple[str, ...] = ("Preprocess", "TrainBaseline")
    signed: bool = True
    title: str = "model package"
    config: Mapping[str, Any] = field(default_factory=dict)
