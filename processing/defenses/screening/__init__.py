"""The detectors of the screen: one file each, one registry.

Importing this package loads numpy and pydantic alone; scikit-learn and scipy wait for a detector
that runs.
"""

from __future__ import annotations

from boomerang.config import Spec, validate
from boomerang.errors import ConfigError, nearest
from processing.defenses.common.base import Detector, Finding, Suspect
from processing.defenses.screening.activation_clustering import ActivationClustering
from processing.defenses.screening.data_validation import DataValidation
from processing.defenses.screening.spectral_signatures import SpectralSignatures

__all__ = ["DETECTORS", "Detector", "Finding", "Suspect", "create"]

DETECTORS: dict[str, type[Detector]] = {
    "data_validation": DataValidation,
    "activation_clustering": ActivationClustering,
    "spectral_signatures": SpectralSignatures,
}


def create(spec: Spec) -> Detector:
    """Return the detector that a config names, its settings checked.

    Raises
    ------
    ConfigError
        If the kind or a setting is unknown, naming the nearest known one, or a value is wrong.
    """
    if spec.kind not in DETECTORS:
        raise ConfigError(f"unknown detector '{spec.kind}'", do=nearest(spec.kind, DETECTORS))
    return validate(DETECTORS[spec.kind], spec.model_dump(), where=f"detector '{spec.kind}'")
