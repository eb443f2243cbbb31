"""One pixel, set by ART; see `processing.attacks.common.art`."""

from __future__ import annotations

from typing import ClassVar, Literal

from processing.attacks.common.art import ArtPixels


class ArtSinglePixel(ArtPixels):
    """Set one pixel, as ART's `add_single_bd` does.

    Parameters
    ----------
    distance_px : int
        Distance of the pixel from both edges; 1 is the very edge.
    value : int
        What the pixel becomes in every channel.
    """

    title = "ART single pixel"
    example: ClassVar = {"target": "bird", "rate": 0.1}

    function = "add_single_bd"
    extent_px = 0

    kind: Literal["art_single_pixel"] = "art_single_pixel"

    def mark(self) -> str:
        """Return how many pixels they are."""
        return "a single pixel"
