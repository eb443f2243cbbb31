"""Tables and live lists on a terminal, on which nothing acts but what we color ourselves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from boomerang.shown import printable

# Where no terminal sets the width: wraps no table.
_WIDTH = 160


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error, which escapes what is not printable."""
    stream = sys.stderr if stderr else sys.stdout
    options: dict[str, Any] = {"highlight": False, "file": getattr(stream, "styled", stream)}
    console = _Console(**options)
    return console if console.is_terminal else _Console(**options, width=_WIDTH)


class _Console(Console):
    """Escapes each text before it is measured, and whatever else comes to be drawn."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
