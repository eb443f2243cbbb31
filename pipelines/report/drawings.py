"""The report's charts: a scale for rates, a bar of time, scores as a histogram, and curves.

A chart gets plain numbers of the report and returns markup; see `pipelines.page.svg`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pipelines.page.axes import Frame, ticks
from pipelines.page.svg import chart, element, shape
from pipelines.report.curves import score_ticks

_SCORES = Frame(width=360, height=230, left=40, right=10, top=12, bottom=34)
_ROC = Frame(width=246, height=230, left=40, right=22, top=12, bottom=34)
_TICK_PX = 38
_ATTACK_COLORS = 4
_ROW_PX = 14

Place = Callable[[float], float]


def attack_class(number: int) -> str:
    """Return the classes that draw an attack, counted from 1; 0 stands for the clean rows.

    A color, and other dashes where there are more attacks than colors: no two of eight look alike.
    """
    if not number:
        return "a-0"
    again = " again" if number > _ATTACK_COLORS else ""
    return f"a-{(number - 1) % _ATTACK_COLORS + 1}{again}"


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
    height = _ROW_PX * len(rates) + 3
    grid = [
        element("line", x1=_percent(q), x2=_percent(q), y1=0, y2=height, class_="grid")
        for q in (0, 0.25, 0.5, 0.75, 1)
    ]
    if reference is not None and reference["value"] is not None:
        grid.append(element("circle", cx=_percent(reference["value"]), cy=9, r=4.2, class_="reference"))
    marks = [
        _interval(model, rate, _ROW_PX * k + 9)
        for k, (model, rate) in enumerate(rates)
        if rate is not None and rate["value"] is not None
    ]
    return element("svg", *grid, *marks, class_="track", height=height, width="100%", aria_hidden="true")


def _interval(model: str, rate: Mapping[str, Any], y: float) -> Markup:
    line = element("line", x1=_percent(rate["low"]), x2=_percent(rate["high"]), y1=y, y2=y, class_="interval")
    mark = element("svg", shape(model), x=_percent(rate["value"]), y=y, overflow="visible")
    return element("g", line, mark, class_=f"m-{model}")


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
    x = _scores_place(data)
    xs = [x(edge) for edge in edges]
    top = max(1, max(data["clean"], default=0), *(max(counts) for counts in data["attacks"]))
    parts = [*_count_axis(top), *_score_axis(data, x), _steps(xs, data["clean"], top, "clean")]
    parts += [
        _steps(xs, counts, top, f"attack {attack_class(k)}") for k, counts in enumerate(data["attacks"], 1)
    ]
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        parts.append(_SCORES.upright(x(threshold), "limit"))
    return chart(_SCORES.width, _SCORES.height, title, parts)


def _scores_place(data: Mapping[str, Any]) -> Place:
    """Return the function that puts a score on the axis."""
    center, spread = data["center"], data["spread"]

    def position(score: float) -> float:
        return score if spread is None else math.asinh((score - center) / spread)

    low, high = position(data["edges"][0]), position(data["edges"][-1])
    return lambda score: _SCORES.x((position(score) - low) / (high - low))


def _count_y(count: float, top: int) -> float:
    """Return the height of a count: 0 at the axis, a single row already visible."""
    return _SCORES.y(math.log10(1 + count * 2) / math.log10(1 + top * 2))


def _steps(xs: list[float], counts: Sequence[int], top: int, name: str) -> Markup:
    """Return the outline of a distribution; empty bins have none, so that no line runs along the axis."""
    path = []
    for k, count in enumerate(counts):
        if not count:
            continue
        if not k or not counts[k - 1]:
            path.append(f"M{xs[k]:.1f} {_SCORES.base}")
        path.append(f"V{_count_y(count, top):.1f}H{xs[k + 1]:.1f}")
        if k + 1 == len(counts) or not counts[k + 1]:
            path.append(f"V{_SCORES.base}")
    return element("path", d="".join(path), class_=f"area {name}")


def _count_axis(top: int) -> Iterator[Markup]:
    for power in range(1 + math.floor(math.log10(top))):
        y = _count_y(10**power, top)
        yield _SCORES.across(y, "grid")
        yield _SCORES.beside(y, f"{10**power:,}")


def _score_axis(data: Mapping[str, Any], place: Place) -> Iterator[Markup]:
    taken = -math.inf
    yield _SCORES.across(_SCORES.base, "axis")
    for tick in score_ticks(data["edges"], data["center"], data["spread"]):
        x = place(tick)
        if x - taken < _TICK_PX:
            continue
        taken = x
        yield _SCORES.stroke(x)
        yield _SCORES.below(x, f"{tick:g}")
    yield _SCORES.caption("score")


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
    parts = [*_roc_axes()]
    for name, points in lines:
        places = " ".join(f"{_ROC.x(fpr):.1f},{_ROC.y(tpr):.1f}" for fpr, tpr in points)
        parts.append(element("polyline", points=places, class_=f"curve {name}"))
    if point is not None:
        fpr, tpr = point
        parts.append(element("circle", cx=_ROC.x(fpr), cy=_ROC.y(tpr), r=4.5, class_="point"))
    return chart(_ROC.width, _ROC.height, title, parts)


def curve(points: Sequence[Sequence[float]], below: str, title: str) -> Markup:
    """Return one line through points [x, y], in the order that they come in.

    Parameters
    ----------
    points : sequence of [x, y]
        Two or more.
    below : str
        What x is.
    title : str
        Read out in place of the picture.
    """
    (left, right), (low, high) = (_range(values) for values in zip(*points, strict=True))
    parts = []
    for tick in ticks(low, high, 4):
        y = _SCORES.y((tick - low) / (high - low))
        parts += [_SCORES.across(y, "grid"), _SCORES.beside(y, f"{tick:g}")]
    parts.append(_SCORES.across(_SCORES.base, "axis"))
    for tick in ticks(left, right):
        x = _SCORES.x((tick - left) / (right - left))
        parts += [_SCORES.stroke(x), _SCORES.below(x, f"{tick:g}")]
    places = (
        f"{_SCORES.x((x - left) / (right - left)):.1f},{_SCORES.y((y - low) / (high - low)):.1f}"
        for x, y in points
    )
    line = element("polyline", points=" ".join(places), class_="curve all")
    return chart(_SCORES.width, _SCORES.height, title, [*parts, _SCORES.caption(below), line])


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the least and the largest; half a unit to each side where they are the same."""
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _roc_axes() -> Iterator[Markup]:
    for q in (0, 0.5, 1):
        x, y = _ROC.x(q), _ROC.y(q)
        yield _ROC.across(y, "grid")
        yield _ROC.upright(x, "grid")
        yield _ROC.beside(y, f"{q:.0%}")
        yield _ROC.below(x, f"{q:.0%}")
    yield element("line", x1=_ROC.left, y1=_ROC.base, x2=_ROC.end, y2=_ROC.top, class_="chance")
    yield _ROC.caption("clean rows flagged")
