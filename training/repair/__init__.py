"""Repairs of a trained model, one file each; `common.base` says how to write one."""

from __future__ import annotations

from boomerang.kinds import Kinds
from training.repair.common.base import Repair

REPAIRS = Kinds(__name__, Repair, "repair")
