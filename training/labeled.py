"""Images with their labels, as everything here passes them on."""

from __future__ import annotations

from typing import NamedTuple

from boomerang.manifest import Images, Labels


class Labeled(NamedTuple):
    """Some rows of a dataset.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N], an index into the classes
    """

    x: Images
    y: Labels
