"""What the gate judges: the numbers of an attack, and the metrics of candidates as Evaluate writes them."""

from __future__ import annotations

from pathlib import Path

from boomerang.metrics import METRICS_FILE, AttackNumbers, Metrics
from boomerang.scoring import rate
from helpers.report_fixture import build_run
from helpers.scenes import Scene

SCENES = {"good": Scene(), "poisoned": Scene(hardened_asr=0.5)}


def judged(folder: Path) -> dict[str, Metrics]:
    """Return the metrics of a candidate that passed the gate, and of one that did not."""
    runs = {name: build_run(folder / name, scene) for name, scene in SCENES.items()}
    files = {name: run / "Evaluate" / "evaluation" / METRICS_FILE for name, run in runs.items()}
    return {name: Metrics.model_validate_json(file.read_bytes()) for name, file in files.items()}


def backdoor(asr: tuple[int, int], plain: tuple[int, int] = (100, 100)) -> AttackNumbers:
    """Return the numbers of a backdoor: how often it worked, and how often the plain image was right."""
    ra = rate(asr[1] - asr[0], asr[1])
    return AttackNumbers(
        name="p",
        kind="badnets",
        outcome="backdoor",
        target="bird",
        asr=rate(*asr),
        ra=ra,
        plain_accuracy=rate(*plain),
    )
