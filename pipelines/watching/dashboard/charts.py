"""Draws a graph of the dashboard as inline SVG that takes its colors from the page's style sheet.

Runs stand side by side, evenly spaced, in the order in which they ended: minutes and weeks lie between
them, and on an axis of time most of them would fall on one spot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from boomerang.watching.metric_names import METRICS
from pipelines.page.scrub import scrub_text
from pipelines.page.svg import element
from pipelines.report import words
from pipelines.report.curves import ticks
from pipelines.watching.dashboard.lines import Line
from pipelines.watching.dashboard.workspace import Sample

COLORS = 8
_PX_A_COLUMN = 40
_HEIGHT = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 22, 14, 38
_TICK_PX = 64
_MARKERS = 60

Place = Callable[[float], float]
Moment = tuple[Any, str]  # when a run ended, and its name


@dataclass(frozen=True)
class _Frame:
    """Where values and runs lie in the picture, in its own units."""

    width: int
    low: float
    high: float
    moments: Sequence[Moment]

    @cached_property
    def places(self) -> dict[Moment, int]:
        return {moment: place for place, moment in enumerate(self.moments)}

    def x(self, moment: Moment) -> float:
        span, last = self.width - _LEFT - _RIGHT, len(self.moments) - 1
        return _LEFT + span * (self.places[moment] / last if last else 0.5)

    def y(self, value: float) -> float:
        span = _HEIGHT - _TOP - _BOTTOM
        return _HEIGHT - _BOTTOM - span * (value - self.low) / (self.high - self.low)


def formatter(properties: Mapping[str, Any]) -> Callable[[float], str]:
    """Return how the values of a graph are written: rates as percentages, all else as plain numbers."""
    text = str(properties["metrics"])
    names = [name for name in METRICS if f"'{name}'" in text or f'"{name}"' in text]
    if names and all(METRICS[name].unit == "None" for name in names):
        return words.percent
    return _number


def _number(value: float) -> str:
    if 0 < value < 0.005:
        return "<0.01"
    return f"{round(value, 2):g}" if abs(value) < 100 else f"{value:,.0f}"


def color_class(number: int) -> str:
    """Return the classes of a graph's k-th line, counted from 0: a color, and dashes from the ninth on."""
    return f"s-{number % COLORS + 1}" + (" again" if number >= COLORS else "")


def graph(properties: Mapping[str, Any], lines: Sequence[Line], columns: int) -> Markup:
    """Return a drawing of a metric widget.

    Parameters
    ----------
    properties : mapping
        Of the widget, as CloudWatch takes them.
    lines : sequence of Line
        At least one, each with a sample.
    columns : int
        The widget's width on the dashboard.
    """
    limits = properties.get("annotations", {}).get("horizontal", [])
    moments = sorted({(s.time, s.run) for line in lines for s in line.samples})
    low, high = _range(properties, [s.value for line in lines for s in line.samples], limits)
    frame = _Frame(columns * _PX_A_COLUMN, low, high, moments)
    write = formatter(properties)
    parts = [*_values(frame, write), *_times(frame)]
    parts += [part for limit in limits for part in _limit(frame, limit)]
    parts += [_line(frame, k, line, write) for k, line in enumerate(lines)]
    parts += [_limit_name(frame, limit, write) for limit in limits]
    title = f"{properties['title']}: {words.plural(len(moments), 'point')}"
    return element(
        "svg", element("title", title), *parts, class_="chart", viewBox=f"0 0 {frame.width} {_HEIGHT}",
        role="img", aria_label=title,
    )  # fmt: skip


def _range(
    properties: Mapping[str, Any], values: Sequence[float], limits: Sequence[Mapping[str, Any]]
) -> tuple[float, float]:
    """Return the ends of the axis: as the body says, or so that all values and limits have room."""
    axis = properties.get("yAxis", {}).get("left", {})
    reach = [*values, *(limit["value"] * 1.4 for limit in limits), 0.0]
    low, high = min(reach), max(reach)
    room = (high - low or 1.0) * 0.08
    return (
        float(axis.get("min", low - room if low < 0 else 0.0)),
        float(axis.get("max", high + room)),
    )


def _values(frame: _Frame, write: Callable[[float], str]) -> Iterator[Markup]:
    right = frame.width - _RIGHT
    for tick in ticks([frame.low, frame.high], None, None, 4):
        y = frame.y(tick)
        yield element("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="axis" if tick == 0 else "grid")
        yield element("text", _tick(tick, write), x=_LEFT - 6, y=y + 3.5, class_="tick end")


def _tick(value: float, write: Callable[[float], str]) -> str:
    """Write a tick without the digits that are the same for all of them: `50%`, not `50.0%`."""
    return write(value).replace(".0%", "%")


def _times(frame: _Frame) -> Iterator[Markup]:
    """Yield a tick for as many runs as have room, the last one always among them."""
    room = max(1, (frame.width - _LEFT - _RIGHT) // _TICK_PX)
    step = -(-len(frame.moments) // room)
    base, day_before = _HEIGHT - _BOTTOM, ""
    for moment in reversed(frame.moments[::-1][::step]):
        x, day = frame.x(moment), f"{moment[0].day} {moment[0]:%b}"
        yield element("line", x1=x, x2=x, y1=base, y2=base + 4, class_="axis")
        yield element("text", f"{moment[0]:%H:%M}", x=x, y=base + 16, class_="tick middle")
        if day != day_before:
            yield element("text", day, x=x, y=base + 29, class_="tick middle")
        day_before = day


def _limit(frame: _Frame, limit: Mapping[str, Any]) -> Iterator[Markup]:
    """Yield the line of a threshold, with the side tinted on which an alarm counts a point as bad."""
    y, right = frame.y(limit["value"]), frame.width - _RIGHT
    above = limit.get("fill") == "above"
    top, bottom = (_TOP, y) if above else (y, _HEIGHT - _BOTTOM)
    if limit.get("fill") in ("above", "below") and bottom > top:
        yield element(
            "rect", x=_LEFT, y=top, width=right - _LEFT, height=bottom - top, class_="breach"
        )  # fmt: skip
    yield element("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="limit")


def _limit_name(frame: _Frame, limit: Mapping[str, Any], write: Callable[[float], str]) -> Markup:
    """Return what a threshold is called, on the side of it where the bad points are."""
    y = frame.y(limit["value"]) + (-5 if limit.get("fill") == "above" else 13)
    text = f"{limit['label']} {_tick(limit['value'], write)}"
    return element("text", text, x=_LEFT + 6, y=y, class_="tick limit-name")


def _line(frame: _Frame, number: int, line: Line, write: Callable[[float], str]) -> Markup:
    parts = []
    if len(line.samples) > 1:
        points = " ".join(f"{frame.x((s.time, s.run)):.1f},{frame.y(s.value):.1f}" for s in line.samples)
        parts.append(element("polyline", points=points, class_="curve"))
    if len(line.samples) <= _MARKERS:
        parts += [_marker(frame, sample, line.label, write) for sample in line.samples]
    return element("g", *parts, class_=f"series {color_class(number)}")


def _marker(frame: _Frame, sample: Sample, label: str, write: Callable[[float], str]) -> Markup:
    said = f"{label}: {write(sample.value)}, {scrub_text(sample.run)}, {sample.time:%Y-%m-%d %H:%M} UTC"
    x, y = frame.x((sample.time, sample.run)), frame.y(sample.value)
    return element("circle", element("title", said), cx=x, cy=y, r=3.4, class_="dot")
