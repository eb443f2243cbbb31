"""Draws a lineage: one row a thing, one column a step, so that no two lines ever cross a card.

A card stands behind the step that made its thing. From there its line runs on to the right, past every step,
with a dot on those that read it. So the whole falls from what came from outside, at the top left, to the
package at the bottom right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pipelines.campaign.entry import BASELINE, HARDEN, POISON, VICTIM
from pipelines.page.svg import element

_COLUMN, _CARD, _ROW, _HEIGHT = 130, 112, 41, 34
_HEAD = 26
_TITLE = 16
_DIGEST = 8
_MODELS = {
    f"{BASELINE}-model": "m-baseline",
    f"{POISON}-train": "m-victim",
    f"{VICTIM}-model": "m-victim",
    f"{HARDEN}-model": "m-hardened",
}
_CHECK = "M-2.600 0.200L-0.700 2.100L2.800-1.900"


def flow(lineage: Mapping[str, Any]) -> Markup:
    """Return the picture of what `origin.build` returns."""
    steps, things = lineage["steps"], lineage["things"]
    width, foot = _COLUMN * (len(steps) + 1), _HEAD + _ROW * len(things)
    parts = [_step(name, index, things, foot) for index, name in enumerate(steps)]
    parts += [_line(thing, row, steps) for row, thing in enumerate(things)]
    parts += [_card(thing, row) for row, thing in enumerate(things)]
    label = (
        f"Lineage: {len(things)} things and the {len(steps)} steps between them; the table below says it too"
    )
    return element(
        "svg", *parts, class_="lineage", viewBox=f"0 0 {width} {foot + _HEAD}", role="img", aria_label=label
    )


def _bar(index: int) -> float:
    """Return where the line of a step stands."""
    return _COLUMN * (index + 1)


def _middle(row: int) -> float:
    return _HEAD + _ROW * (row + 0.5)


def _step(name: str, index: int, things: Sequence[Mapping[str, Any]], foot: int) -> Markup:
    """Return a step: its name above and below, a faint guide, and a bar over the rows it has to do with."""
    x = _bar(index)
    rows = [row for row, thing in enumerate(things) if name in (thing["made_by"], *thing["read_by"])]
    parts = [element("line", x1=x, x2=x, y1=_HEAD - 6, y2=foot + 6, class_="guide")]
    if rows:
        parts.append(element("line", x1=x, x2=x, y1=_middle(rows[0]), y2=_middle(rows[-1]), class_="span"))
    shown = _cut(name, _TITLE + 2)
    parts += [element("text", shown, x=x, y=y, class_="step") for y in (14, foot + _HEAD - 8)]
    return element("g", *parts)


def _line(thing: Mapping[str, Any], row: int, steps: Sequence[str]) -> Markup:
    """Return the line from who made a thing through its card to all who read it."""
    y, left = _middle(row), _left(thing)
    stops = [_bar(steps.index(step)) for step in thing["read_by"]]
    begin = left + _CARD
    if thing["made_by"] in steps:
        begin = _bar(steps.index(thing["made_by"]))
    end = max([left + _CARD, *stops])
    # Behind the line a wider one hides the bars that it passes: only a dot joins the two.
    parts = [element("line", x1=begin, x2=end, y1=y, y2=y, class_=name) for name in ("bridge", "way")]
    parts += _marks(thing, steps, y)
    return element("g", *parts, class_=_class(thing))


def _marks(thing: Mapping[str, Any], steps: Sequence[str], y: float) -> Iterator[Markup]:
    if thing["made_by"] in steps:
        x = _bar(steps.index(thing["made_by"]))
        yield element("rect", x=x - 3.5, y=y - 3.5, width=7, height=7, class_="made")
    for step in thing["read_by"]:
        yield element("circle", cx=_bar(steps.index(step)), cy=y, r=4, class_="read")


def _card(thing: Mapping[str, Any], row: int) -> Markup:
    x, y = _left(thing), _middle(row) - _HEIGHT / 2
    digest = thing["digest"]
    below = f"{thing['kind']} {digest[:_DIGEST]}" if digest else thing["kind"]
    hint = f"{thing['title']}: {thing['kind']}" + (f", sha256 {digest}" if digest else "")
    parts: list[Markup] = [
        element("title", hint),
        element("rect", x=x, y=y, width=_CARD, height=_HEIGHT, rx=6),
        element("path", d=f"M{x + 1.5:g} {y + 6:g}V{y + _HEIGHT - 6:g}", class_="stripe"),
        element("text", _cut(thing["title"], _TITLE), x=x + 9, y=y + 14.5, class_="what"),
        element("text", below, x=x + 9, y=y + 27, class_="digest"),
    ]
    if thing["signed"]:
        parts.append(_seal(x + _CARD - 5, y + 1))
    outside = "" if thing["made_by"] else " outside"
    return element("g", *parts, class_=f"thing {_class(thing)}{outside}")


def _seal(x: float, y: float) -> Markup:
    mark = element("path", d=_CHECK)
    return element("g", element("circle", r=5.5), mark, class_="seal", transform=f"translate({x:g} {y:g})")


def _left(thing: Mapping[str, Any]) -> float:
    return float(_COLUMN * thing["column"] + (_COLUMN - _CARD) / 2)


def _class(thing: Mapping[str, Any]) -> str:
    return _MODELS.get(thing["id"], "package" if thing["kind"] == "package" else "plain")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def names(lineage: Mapping[str, Any], ids: Iterable[str]) -> list[str]:
    """Return the titles of some things."""
    titles = {thing["id"]: thing["title"] for thing in lineage["things"]}
    return [titles.get(each, each) for each in ids]
