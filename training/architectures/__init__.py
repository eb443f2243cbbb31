"""The networks that a config may name, one file each; `common.base` says how to write one."""

from __future__ import annotations

from boomerang.kinds import Kinds
from training.architectures.common.base import Architecture

ARCHITECTURES = Kinds(__name__, Architecture, "architecture")
