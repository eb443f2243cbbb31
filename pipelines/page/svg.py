"""Inline SVG that takes its colors from the page's style sheet.

Text in it is escaped. Classes name what a mark stands for (`m-victim`), never a color, so that light, dark
and print share one drawing. Markers differ in shape as well as in color.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

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


def chart(width: int, height: int, title: str, parts: Sequence[Markup]) -> Markup:
    """Return a chart of its parts; the title is read out in place of the picture."""
    return element(
        "svg", element("title", title), *parts, class_="chart", viewBox=f"0 0 {width} {height}", role="img",
        aria_label=title,
    )  # fmt: skip


def shape(model: str) -> Markup:
    """Return the shape that stands for a model, around the origin."""
    return element("path", d=_SHAPES[model])


def marker(model: str) -> Markup:
    """Return the sign of a model for use in a line of text."""
    return element("svg", shape(model), class_=f"mark m-{model}", viewBox="-7 -7 14 14", aria_hidden="true")
