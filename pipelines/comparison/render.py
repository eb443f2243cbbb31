"""Makes the page of a comparison, from what differs and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipelines.comparison import gaps
from pipelines.comparison.gaps import Gap, Line
from pipelines.comparison.key_by_key import ABSENT
from pipelines.comparison.two_campaigns import TwoCampaigns
from pipelines.comparison.two_runs import TwoRuns
from pipelines.page.scrub import scrub_text
from pipelines.page.shell import Shell
from pipelines.page.svg import element

_TEMPLATES = Path(__file__).with_name("templates")
# Of a drawing of a difference, in its own units, and the least that its ends stand for.
_WIDTH, _HEIGHT, _LEAST_REACH = 120, 14, 0.02
# Files of which a row speaks at once.
_NAMED = 6
# Cells in which something differs, of which none is folded.
_MOST_OPEN = 12


def render(found: TwoRuns | TwoCampaigns) -> str:
    """Return the page: one file that needs nothing else, with no path of this machine."""
    return _shell().render("comparison", found=_scrubbed(found), runs=isinstance(found, TwoRuns))


@lru_cache(maxsize=1)
def _shell() -> Shell:
    filters: dict[str, Callable[..., Any]] = {
        "value": gaps.say_value,
        "between": gaps.say_between,
        "gap": gaps.say_gap,
        "reach": gaps.say_reach,
        "short": _short,
        "size": _size,
    }
    helpers = {"bar": bar, "farthest": farthest, "named": _NAMED, "most_open": _MOST_OPEN, "absent": ABSENT}
    return Shell(_TEMPLATES, filters, helpers)


def _scrubbed(value: Any) -> Any:
    """Return a value with every text in it fit to be shown to others: see `scrub_text`."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, tuple):
        return tuple(map(_scrubbed, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _scrubbed(getattr(value, each.name)) for each in fields(value)})
    return value


def farthest(lines: Iterable[Line]) -> float:
    """Return how far from 0 the differences of shares reach: what the ends of their drawings stand for."""
    found = [line.gap for line in lines if line.gap is not None and line.unit == "share"]
    ends = [abs(end) for gap in found for end in (gap.value, gap.low, gap.high) if end is not None]
    return max([_LEAST_REACH, *ends])


def bar(gap: Gap, reach: float, tone: str | None) -> Markup:
    """Return a drawing of a difference of shares: its place and its interval beside the line of 0."""
    scale = (_WIDTH / 2 - 6) / reach

    def x(value: float) -> float:
        return _WIDTH / 2 + value * scale

    middle = _HEIGHT / 2
    zero = element("line", x1=x(0), x2=x(0), y1=0, y2=_HEIGHT, class_="zero")
    parts = [zero, element("circle", cx=x(gap.value), cy=middle, r=3.2, class_="at")]
    if gap.low is not None and gap.high is not None:
        parts.insert(1, element("line", x1=x(gap.low), x2=x(gap.high), y1=middle, y2=middle, class_="reach"))
    kind = f"gap {tone or 'soft'}"
    return element("svg", *parts, class_=kind, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", aria_hidden="true")


def _short(digest: str) -> str:
    return digest[:12]


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.1f} MB" if size >= 50_000 else f"{size:,} bytes"
