"""The axes of a chart: where its area lies, what is written beside and below it, and which numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from pipelines.page.svg import element

_BESIDE, _BELOW, _LINE = 6, 15, 13
_STROKE = 4
# From the middle of a letter to the line that it stands on.
_HALF_LETTER = 3.5


@dataclass(frozen=True)
class Frame:
    """Where the area of a chart lies in its picture, in the picture's own units.

    Attributes
    ----------
    width, height : int
        Of the picture.
    left, right, top, bottom : int
        Room around the area, for what is written on the axes.
    """

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def end(self) -> int:
        """Where the area ends on the right."""
        return self.width - self.right

    @property
    def base(self) -> int:
        """Where the area ends below."""
        return self.height - self.bottom

    def x(self, part: float) -> float:
        """Return the place of a part of the area's width, counted from the left."""
        return self.left + (self.end - self.left) * part

    def y(self, part: float) -> float:
        """Return the place of a part of the area's height, counted from below."""
        return self.base - (self.base - self.top) * part

    def across(self, y: float, kind: str) -> Markup:
        """Return a line through the whole area, from left to right."""
        return element("line", x1=self.left, x2=self.end, y1=y, y2=y, class_=kind)

    def upright(self, x: float, kind: str) -> Markup:
        """Return a line through the whole area, from top to bottom."""
        return element("line", x1=x, x2=x, y1=self.top, y2=self.base, class_=kind)

    def stroke(self, x: float) -> Markup:
        """Return the short line that leads from the area to what is written below it."""
        return element("line", x1=x, x2=x, y1=self.base, y2=self.base + _STROKE, class_="axis")

    def beside(self, y: float, text: str) -> Markup:
        """Return what is written on the axis of heights."""
        return element("text", text, x=self.left - _BESIDE, y=y + _HALF_LETTER, class_="tick end")

    def below(self, x: float, text: str, line: int = 0) -> Markup:
        """Return what is written on the axis below, in its first line or a later one."""
        return element("text", text, x=x, y=self.base + _BELOW + _LINE * line, class_="tick middle")

    def caption(self, text: str) -> Markup:
        """Return what the axis below is of, in the picture's last line."""
        return element("text", text, x=self.end, y=self.height - 4, class_="tick end")


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, evenly spread; about `count` of them.

    >>> ticks(0.0, 1.08, 4)
    [0.0, 0.5, 1.0]
    """
    step = _round_step((high - low) / count)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(f for f in (1, 2, 2.5, 5, 10) if f * power >= step)
