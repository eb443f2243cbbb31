"""The sources of data: one file each, named as its kind.

    common  what they share
    drawn   the renderer of the bundled data

May import numpy, pillow, `boomerang` and what resizes pictures; TensorFlow only to download.
"""

from __future__ import annotations

from boomerang.kinds import Kinds
from processing.datasets.common.base import Source

__all__ = ["SOURCES"]

SOURCES = Kinds(__name__, Source, "data source")
