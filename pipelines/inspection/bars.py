"""The drawings of an inspection: a number for each class as bars, and the curve of what is left."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from pipelines.page.axes import Frame, ticks
from pipelines.page.svg import chart, element

_FRAME = Frame(width=560, height=230, left=44, right=12, top=12, bottom=48)
_CURVE = Frame(width=420, height=240, left=44, right=12, top=12, bottom=34)
# Bars beside each other, and letters of a name below one.
_MOST, _LETTERS = 40, 9
_NAMED = 14


def bars(
    values: Sequence[float], names: Sequence[str], marked: Sequence[str], title: str, caption: str
) -> Markup:
    """Return a bar for each class; of more than 40 the highest, high to low.

    Parameters
    ----------
    values : sequence of float
    names : sequence of str
        What each class is called.
    marked : sequence of str
        Classes that stand out.
    title, caption : str
        Read out in place of the picture; what the numbers are.
    """
    pairs = list(zip(values, names, strict=True))
    if len(pairs) > _MOST:
        pairs = sorted(pairs, reverse=True)[:_MOST]
    low, high = min(0.0, *(value for value, _ in pairs)), max(1e-9, *(value for value, _ in pairs))

    def y(value: float) -> float:
        return _FRAME.y((value - low) / (high - low))

    parts = [part for tick in ticks(low, high) for part in _level(y(tick), f"{tick:g}")]
    step = 1 / len(pairs)
    for place, (value, name) in enumerate(pairs):
        top, bottom = min(y(value), y(0)), max(y(value), y(0))
        left, right = _FRAME.x(step * (place + 0.15)), _FRAME.x(step * (place + 0.85))
        kind = "bar odd" if name in marked else "bar"
        parts.append(
            element(
                "rect",
                element("title", f"{name}: {value:.3g}"),
                x=left,
                y=top,
                width=right - left,
                height=bottom - top,
                class_=kind,
            )
        )
        if len(pairs) <= _NAMED or name in marked:
            parts.append(_FRAME.below(_FRAME.x(step * (place + 0.5)), _short(name), line=place % 2))
    return chart(_FRAME.width, _FRAME.height, title, [*parts, _FRAME.caption(caption)])


def _level(y: float, text: str) -> tuple[Markup, Markup]:
    return _FRAME.across(y, "grid"), _FRAME.beside(y, text)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


def curve(cut: Sequence[int], accuracy: Sequence[float], asr: Sequence[float], title: str) -> Markup:
    """Return accuracy and ASR, 0 to 100%, over how many channels are cut."""
    parts: list[Markup] = []
    for q in (0, 0.25, 0.5, 0.75, 1):
        parts += [_CURVE.across(_CURVE.y(q), "grid"), _CURVE.beside(_CURVE.y(q), f"{q:.0%}")]
    for tick in ticks(0, cut[-1]):
        x = _CURVE.x(tick / cut[-1])
        parts += [_CURVE.stroke(x), _CURVE.below(x, f"{tick:g}")]
    for kind, values in (("accuracy", accuracy), ("asr", asr)):
        places = " ".join(
            f"{_CURVE.x(at / cut[-1]):.1f},{_CURVE.y(value):.1f}"
            for at, value in zip(cut, values, strict=True)
        )
        parts.append(element("polyline", points=places, class_=f"curve {kind}"))
    return chart(_CURVE.width, _CURVE.height, title, [*parts, _CURVE.caption("channels cut")])
