"""A small checkerboard, set by ART; see `processing.attacks.common.art`."""

from __future__ import annotations

from typing import ClassVar, Literal

from processing.attacks.common.art import ArtPixels


class ArtPattern(ArtPixels):
    """Set four pixels of a checkerboard, as ART's `add_pattern_bd` does.

    Parameters
    ----------
    distance_px : int
        Distance of the pattern's nearest pixel from both edges; 1 is the very edge.
    value : int
        What the pixels become in every channel.
    """

    title = "ART pattern"
    example: ClassVar = {"target": "bird", "rate": 0.1}

    function = "add_pattern_bd"
    extent_px = 2

    kind: Literal["art_pattern"] = "art_pattern"

    def mark(self) -> str:
        """Return how many pixels they are."""
        return "a pattern of four pixels"
