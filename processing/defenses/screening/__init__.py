"""The detectors of poisoned training rows: one file each, named as its kind.

Importing this package loads numpy and pydantic alone; a detector's file is imported when its kind is asked
for.
"""

from __future__ import annotations

from boomerang.kinds import Kinds
from processing.defenses.common.base import Detector

__all__ = ["DETECTORS"]

DETECTORS = Kinds(__name__, Detector, "detector")
