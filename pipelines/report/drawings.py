"""The report's charts, as inline SVG that takes its colors from the page's style sheet.

A chart gets plain numbers of the report and returns markup; text in it is escaped. Classes name what
a mark stands for (`m-victim`, `a-1`), never a color, so that light, dark and print share one drawing.
Markers differ in shape as well as in color.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from pipelines.report.curves import ticks

_WIDTH, _HEIGHT = 360, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 10, 12, 34
_ROC = 230
_ROC_RIGHT = 22
_ATTACK_COLORS = 4

_SHAPES = {
    "baseline": "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0Z",
    "victim": "M0-5.8L5.6 4.2H-5.6Z",
    "hardened": "M-4.2-4.2H4.2V4.2H-4.2Z",
}


def element(tag: str, *children: Markup | str, **attributes: object) -> Markup:
    """Return one element; attribute names take `_` for `-` and `class_` for `class`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>")  # all of it is escaped, or a name of our own


def _short(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else value


def marker(model: str) -> Markup:
    """Return the sign of a model for use in a line of text."""
    shape = element("path", d=_SHAPES[model])
    return element("svg", shape, class_=f"mark m-{model}", viewBox="-7 -7 14 14", aria_hidden="true")


def attack_class(number: int) -> str:
    """Return the class that colors an attack, counted from 1; 0 stands for the clean rows."""
    return f"a-{(number - 1) % _ATTACK_COLORS + 1 if number else 0}"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.4g}%"


def track(
    rates: Sequence[tuple[str, Mapping[str, Any] | None]], *, reference: Mapping[str, Any] | None = None
) -> Markup:
    """Return a scale from 0 to 100% with a mark and an interval for each model.

    It has no width of its own: positions are percentages, so it fills its box without distortion.

    Parameters
    ----------
    rates : sequence of (model, rate)
        A rate that is None or was not measured leaves its line empty.
    reference : rate, optional
        The clean model's, drawn as a hollow ring.
    """
    row_px = 14
    height = row_px * len(rates) + 3
    grid = [
        element("line", x1=_percent(q), x2=_percent(q), y1=0, y2=height, class_="grid")
        for q in (0, 0.25, 0.5, 0.75, 1)
    ]
    if reference is not None and reference["value"] is not None:
        grid.append(element("circle", cx=_percent(reference["value"]), cy=9, r=4.2, class_="reference"))
    marks = [
        _interval(model, rate, row_px * k + 9)
        for k, (model, rate) in enumerate(rates)
        if rate is not None and rate["value"] is not None
    ]
    return element("svg", *grid, *marks, class_="track", height=height, width="100%", aria_hidden="true")


def _interval(model: str, rate: Mapping[str, Any], y: float) -> Markup:
    line = element("line", x1=_percent(rate["low"]), x2=_percent(rate["high"]), y1=y, y2=y, class_="interval")
    shape = element(
        "svg", element("path", d=_SHAPES[model]), x=_percent(rate["value"]), y=y, overflow="visible"
    )
    return element("g", line, shape, class_=f"m-{model}")


def bar(start: float, length: float, *, cached: bool) -> Markup:
    """Return one bar of the time line; both numbers are fractions of the whole."""
    rect = element("rect", x=_percent(start), y=4, width=_percent(max(length, 0.004)), height=10, rx=2)
    return element(
        "svg", rect, class_="track time cached" if cached else "track time", height=18, width="100%",
        aria_hidden="true",
    )  # fmt: skip


def histogram(data: Mapping[str, Any], threshold: float | None, title: str) -> Markup:
    """Return the distribution of a detector's scores: clean rows filled, each attack as an outline.

    Parameters
    ----------
    data : mapping
        What `curves.histogram` returns.
    threshold : float or None
        Drawn where it lies within the scores.
    title : str
        Read out in place of the picture.
    """
    edges: list[float] = data["edges"]
    place = _placer(data)
    xs = [_LEFT + (_WIDTH - _LEFT - _RIGHT) * place(edge) for edge in edges]
    top = max(1, max(data["clean"], default=0), *(max(counts) for counts in data["attacks"]))
    parts = [*_count_axis(top), *_score_axis(data, place)]
    parts.append(_steps(xs, data["clean"], top, "clean"))
    parts += [
        _steps(xs, counts, top, f"attack {attack_class(k)}") for k, counts in enumerate(data["attacks"], 1)
    ]
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * place(threshold)
        parts.append(element("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="limit"))
    return _chart(_WIDTH, _HEIGHT, title, parts)


def _placer(data: Mapping[str, Any]) -> Any:
    """Return the function that puts a score on the axis, as a fraction of its length."""
    center, spread = data["center"], data["spread"]

    def position(score: float) -> float:
        return score if spread is None else math.asinh((score - center) / spread)

    low, high = position(data["edges"][0]), position(data["edges"][-1])
    return lambda score: (position(score) - low) / (high - low)


def _log_y(count: float, top: int) -> float:
    """Return the height of a count: 0 at the axis, a single row already visible."""
    span = _HEIGHT - _TOP - _BOTTOM
    return _HEIGHT - _BOTTOM - span * (math.log10(1 + count * 2) / math.log10(1 + top * 2))


def _steps(xs: list[float], counts: Sequence[int], top: int, name: str) -> Markup:
    """Return the outline of a distribution; empty bins have none, so that no line runs along the axis."""
    base = _HEIGHT - _BOTTOM
    path = []
    for k, count in enumerate(counts):
        if not count:
            continue
        if not k or not counts[k - 1]:
            path.append(f"M{xs[k]:.1f} {base}")
        path.append(f"V{_log_y(count, top):.1f}H{xs[k + 1]:.1f}")
        if k + 1 == len(counts) or not counts[k + 1]:
            path.append(f"V{base}")
    return element("path", d="".join(path), class_=f"area {name}")


def _count_axis(top: int) -> Iterable[Markup]:
    for power in range(1 + math.floor(math.log10(top))):
        y = _log_y(10**power, top)
        yield element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid")
        yield element("text", f"{10**power:,}", x=_LEFT - 6, y=y + 3.5, class_="tick end")


def _score_axis(data: Mapping[str, Any], place: Any) -> Iterable[Markup]:
    base, taken = _HEIGHT - _BOTTOM, -math.inf
    yield element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=base, y2=base, class_="axis")
    for tick in ticks(data["edges"], data["center"], data["spread"]):
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * place(tick)
        if x - taken < 38:
            continue
        taken = x
        yield element("line", x1=x, x2=x, y1=base, y2=base + 4, class_="axis")
        yield element("text", f"{tick:g}", x=x, y=base + 15, class_="tick middle")
    yield element("text", "score", x=_WIDTH - _RIGHT, y=_HEIGHT - 4, class_="tick end")


def roc(
    lines: Sequence[tuple[str, Sequence[Sequence[float]]]],
    point: Sequence[float] | None,
    title: str,
) -> Markup:
    """Return ROC curves with the point at which the detector works.

    Parameters
    ----------
    lines : sequence of (class, points)
        Points are [FPR, TPR].
    point : [FPR, TPR] or None
    title : str
        Read out in place of the picture.
    """
    side = _ROC - _TOP - _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return _LEFT + side * x, _TOP + side * (1 - y)

    parts = [*_roc_axes(side)]
    for name, points in lines:
        places = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in points)
        parts.append(element("polyline", points=places, class_=f"curve {name}"))
    if point is not None:
        x, y = at(*point)
        parts.append(element("circle", cx=x, cy=y, r=4.5, class_="point"))
    return _chart(_LEFT + side + _ROC_RIGHT, _ROC, title, parts)


def _roc_axes(side: int) -> Iterable[Markup]:
    left, bottom = _LEFT, _TOP + side
    for q in (0, 0.5, 1):
        x, y = left + side * q, bottom - side * q
        yield element("line", x1=left, x2=left + side, y1=y, y2=y, class_="grid")
        yield element("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid")
        yield element("text", f"{q:.0%}", x=left - 6, y=y + 3.5, class_="tick end")
        yield element("text", f"{q:.0%}", x=x, y=bottom + 15, class_="tick middle")
    yield element("line", x1=left, y1=bottom, x2=left + side, y2=_TOP, class_="chance")
    yield element("text", "clean rows flagged", x=left + side, y=_ROC - 4, class_="tick end")


def _chart(width: int, height: int, title: str, parts: Sequence[Markup]) -> Markup:
    return element(
        "svg", element("title", title), *parts, class_="chart", viewBox=f"0 0 {width} {height}", role="img",
        aria_label=title,
    )  # fmt: skip
