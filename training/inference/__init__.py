"""Defenses at inference: what they wrap is a model like any other. `common.base` says how to write one."""

from __future__ import annotations

from boomerang.kinds import Kinds
from training.inference.common.base import InferenceDefense

INFERENCE = Kinds(__name__, InferenceDefense, "inference-time defense")
