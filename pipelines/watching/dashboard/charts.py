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
from pipelines.page import wording
from pipelines.page.axes import Frame, ticks
from pipelines.page.scrub import scrub_text
from pipelines.page.svg import chart, element
from pipelines.watching.dashboard.lines import Line
from pipelines.watching.dashboard.workspace import Sample

COLORS = 8
_PX_A_COLUMN = 40
_HEIGHT = 230
_TICK_PX = 64
_MARKERS = 60

Write = Callable[[float], str]
Moment = tuple[Any, str]  # when a run ended, and its name


@dataclass(frozen=True)
class _Plot:
    """Where values and runs lie in the picture."""

    frame: Frame
    low: float
    high: float
    moments: Sequence[Moment]

    @cached_property
    def places(self) -> dict[Moment, int]:
        return {moment: place for place, moment in enumerate(self.moments)}

    def x(self, moment: Moment) -> float:
        last = len(self.moments) - 1
        return self.frame.x(self.places[moment] / last if last else 0.5)

    def y(self, value: float) -> float:
        return self.frame.y((value - self.low) / (self.high - self.low))


def formatter(properties: Mapping[str, Any]) -> Write:
    """Return how the values of a graph are written: rates as percentages, all else as plain numbers."""
    text = str(properties["metrics"])
    names = [name for name in METRICS if f"'{name}'" in text or f'"{name}"' in text]
    if names and all(METRICS[name].unit == "None" for name in names):
        return wording.percent
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
    frame = Frame(columns * _PX_A_COLUMN, _HEIGHT, left=44, right=22, top=14, bottom=38)
    plot = _Plot(frame, low, high, moments)
    write = formatter(properties)
    parts = [*_values(plot, write), *_times(plot)]
    parts += [part for limit in limits for part in _limit(plot, limit)]
    parts += [_line(plot, k, line, write) for k, line in enumerate(lines)]
    parts += [_limit_name(plot, limit, write) for limit in limits]
    title = f"{properties['title']}: {wording.plural(len(moments), 'point')}"
    return chart(frame.width, frame.height, title, parts)


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


def _values(plot: _Plot, write: Write) -> Iterator[Markup]:
    for tick in ticks(plot.low, plot.high, 4):
        y = plot.y(tick)
        yield plot.frame.across(y, "axis" if tick == 0 else "grid")
        yield plot.frame.beside(y, _tick(tick, write))


def _tick(value: float, write: Write) -> str:
    """Write a tick without the digits that are the same for all of them: `50%`, not `50.0%`."""
    return write(value).replace(".0%", "%")


def _times(plot: _Plot) -> Iterator[Markup]:
    """Yield a tick for as many runs as have room, the last one always among them."""
    frame = plot.frame
    room = max(1, (frame.end - frame.left) // _TICK_PX)
    step, day_before = -(-len(plot.moments) // room), ""
    for moment in reversed(plot.moments[::-1][::step]):
        x, day = plot.x(moment), f"{moment[0].day} {moment[0]:%b}"
        yield frame.stroke(x)
        yield frame.below(x, f"{moment[0]:%H:%M}")
        if day != day_before:
            yield frame.below(x, day, line=1)
        day_before = day


def _limit(plot: _Plot, limit: Mapping[str, Any]) -> Iterator[Markup]:
    """Yield the line of a threshold, with the side tinted on which an alarm counts a point as bad."""
    frame, y = plot.frame, plot.y(limit["value"])
    top, bottom = (frame.top, y) if limit.get("fill") == "above" else (y, frame.base)
    if limit.get("fill") in ("above", "below") and bottom > top:
        width, height = frame.end - frame.left, bottom - top
        yield element("rect", x=frame.left, y=top, width=width, height=height, class_="breach")
    yield frame.across(y, "limit")


def _limit_name(plot: _Plot, limit: Mapping[str, Any], write: Write) -> Markup:
    """Return what a threshold is called, on the side of it where the bad points are."""
    y = plot.y(limit["value"]) + (-5 if limit.get("fill") == "above" else 13)
    text = f"{limit['label']} {_tick(limit['value'], write)}"
    return element("text", text, x=plot.frame.left + 6, y=y, class_="tick limit-name")


def _line(plot: _Plot, number: int, line: Line, write: Write) -> Markup:
    parts = []
    if len(line.samples) > 1:
        points = " ".join(f"{plot.x((s.time, s.run)):.1f},{plot.y(s.value):.1f}" for s in line.samples)
        parts.append(element("polyline", points=points, class_="curve"))
    if len(line.samples) <= _MARKERS:
        parts += [_marker(plot, sample, line.label, write) for sample in line.samples]
    return element("g", *parts, class_=f"series {color_class(number)}")


def _marker(plot: _Plot, sample: Sample, label: str, write: Write) -> Markup:
    said = f"{label}: {write(sample.value)}, {scrub_text(sample.run)}, {sample.time:%Y-%m-%d %H:%M} UTC"
    x, y = plot.x((sample.time, sample.run)), plot.y(sample.value)
    return element("circle", element("title", said), cx=x, cy=y, r=3.4, class_="dot")
