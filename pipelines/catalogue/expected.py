"""What an attack reached where it was measured: `measured.json`, which `python -m bench render` writes."""

from __future__ import annotations

from pathlib import Path

from boomerang.config import Strict, validate
from boomerang.safeio import load_json
from pipelines.page.wording import duration, number, percent

MEASURED = Path(__file__).parent / "measured.json"


class Success(Strict):
    """The success rate of an attack on the victim, a mean over seeds, with the 95% interval of all images."""

    value: float
    low: float
    high: float


class Reached(Strict):
    """What one setting of an attack reached, means over seeds.

    Attributes
    ----------
    data : str
        On what, and how the victim was trained.
    setting : str
        Which setting, as its column of the table is called.
    seeds : int
    clean_accuracy : float
        Of the victim.
    lost : float
        By how much that is below the accuracy of a model trained alike that nobody attacked.
    asr : Success or None
        None if the attack wants the model worse, and no answer of its own.
    clean_models_rate : float or None
        How often the clean model gives the attack's answer on the same images.
    psnr : float or None
        Median over images, in decibels.
    cpu_s : float or None
        CPU-seconds of the step that poisons.
    """

    data: str
    setting: str
    seeds: int
    clean_accuracy: float
    lost: float
    asr: Success | None = None
    clean_models_rate: float | None = None
    psnr: float | None = None
    cpu_s: float | None = None


def figures_of(kind: str) -> list[Reached]:
    """Return what the settings of an attack reached that were measured.

    Raises
    ------
    BadInput, ConfigError
        If the file of the results is malformed.
    """
    measured = load_json(MEASURED).get(kind, [])
    return [validate(Reached, each, where=f"{MEASURED.name}: {kind}") for each in measured]


def say_reached(found: Reached) -> str:
    """Return the figures in a sentence."""
    said = [f"clean accuracy {percent(found.clean_accuracy)}, {number(100 * found.lost, 1)} points lost"]
    if found.asr:
        interval = f"{percent(found.asr.low)} to {percent(found.asr.high)}"
        said.insert(0, f"success {percent(found.asr.value)} ({interval})")
    if found.clean_models_rate is not None:
        said.insert(1, f"the clean model's own rate {percent(found.clean_models_rate)}")
    psnr = "" if found.psnr is None else f" PSNR {number(found.psnr, 1)} dB."
    took = "" if found.cpu_s is None else f" Poisoning took {duration(found.cpu_s)} of CPU."
    seeds = "one seed" if found.seeds == 1 else f"{found.seeds} seeds"
    return f"{found.setting} ({found.data}; {seeds}): {'; '.join(said)}.{psnr}{took}"
