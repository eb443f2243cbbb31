"""What an attack reached where it was measured, read from the results that come with the project."""

from __future__ import annotations

from pathlib import Path

from boomerang.config import Strict, validate
from boomerang.safeio import load_json
from pipelines.page.wording import duration, number, percent

RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results" / "attacks.json"


class Success(Strict):
    """The success rate of an attack on the victim, with its 95% interval."""

    value: float
    low: float
    high: float


class Reached(Strict):
    """What was measured of one attack.

    Attributes
    ----------
    data : str
        On what.
    asr : Success
    clean_accuracy : float
        Of the victim.
    clean_models_rate : float
        How often the clean model gives the attack's answer on the same images.
    psnr : float or None
        Median over images, in decibels.
    seconds : float
        What poisoning and training took.
    """

    data: str
    asr: Success
    clean_accuracy: float
    clean_models_rate: float
    psnr: float | None = None
    seconds: float | None = None


def figures_of(kind: str) -> Reached | None:
    """Return what an attack reached; None where it was not measured.

    Raises
    ------
    BadInput, ConfigError
        If the file of the results is malformed.
    """
    measured = load_json(RESULTS) if RESULTS.is_file() else {}
    return validate(Reached, measured[kind], where=f"{RESULTS.name}: {kind}") if kind in measured else None


def say_reached(found: Reached) -> str:
    """Return the figures in a sentence."""
    psnr = "" if found.psnr is None else f" PSNR {number(found.psnr, 1)} dB."
    took = "" if found.seconds is None else f" It took {duration(found.seconds)}."
    return (
        f"Measured on {found.data}: success {percent(found.asr.value)} "
        f"({percent(found.asr.low)} to {percent(found.asr.high)}), the clean model's own rate "
        f"{percent(found.clean_models_rate)}, clean accuracy {percent(found.clean_accuracy)}.{psnr}{took}"
    )
