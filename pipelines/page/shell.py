"""Makes a page of its templates: one file that needs nothing else.

A page may load nothing and run nothing but the one script: its content security policy names style sheet
and script by their digests and forbids all else. So no element has a style attribute, and every value that
comes from a run is escaped, by Jinja in the templates and by `svg.element` in the drawings. No value gets
into the script: what it needs to know, a page holds as data.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.page import wording

_SHARED = Path(__file__).with_name("templates")
_FORMATS = (
    wording.percent,
    wording.interval,
    wording.counted,
    wording.number,
    wording.duration,
    wording.plural,
)


class Shell:
    """The templates of a page, over those that every page has.

    Parameters
    ----------
    templates : Path
        Holds `NAME.html`, which extends `shell.html`, and `NAME.css`, which includes `page.css`; where the
        page does more than every page, also `NAME.js`.
    filters : mapping
        Filters beside the formats of `wording`, which every page has.
    helpers : mapping, optional
        What the templates can call.
    """

    def __init__(
        self,
        templates: Path,
        filters: Mapping[str, Callable[..., Any]],
        helpers: Mapping[str, Any] | None = None,
    ) -> None:
        self._scripts = (_SHARED, templates)
        self._environment = Environment(
            loader=FileSystemLoader([templates, _SHARED]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {function.__name__: function for function in _FORMATS} | dict(filters)
        self._environment.globals |= dict(helpers or {})

    def render(self, name: str, /, **values: Any) -> str:
        """Return the page of that name, filled with `values`."""
        style = self._environment.get_template(f"{name}.css").render(**values)
        script = self._script(name)
        return self._environment.get_template(f"{name}.html").render(
            style=Markup(style),
            script=Markup(script),
            style_digest=_digest(style),
            script_digest=_digest(script),
            **values,
        )

    def _script(self, name: str) -> str:
        """Return what every page runs, and after it what this one does."""
        shared, own = self._scripts
        files = (shared / "page.js", own / f"{name}.js")
        return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def _digest(text: str) -> str:
    """Return what a content security policy calls a text."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
