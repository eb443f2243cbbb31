"""Makes text from a run fit to be shown to others: no control characters, no paths of this machine.

Class names, picture names and log lines come from outside. The page escapes them; this module takes
out what escaping cannot: characters that reorder or hide text, and absolute paths, which would tell
a reader of the report where and as whom it was made.
"""

from __future__ import annotations

import re
from typing import Any

from boomerang.safeio import display_name

# A path of two parts or more; not the `//bucket/key` of a URI, not a `</tag>`.
_POSIX = re.compile(r"(?<![\w/.:<…~-])/(?!/)[^\s/\"'<>|,;:()]+(?:/[^\s/\"'<>|,;:()]+)+/?")
_HOME = re.compile(r"(?<![\w/])~/(?:[^\s/\"'<>|,;:()]+/)*")
_WINDOWS = re.compile(r"(?<!\w)[A-Za-z]:\\(?:[^\s\\\"'<>|,;:()]+\\)*")
_FILE_URI = re.compile(r"file://(?=/)")


def scrub_text(text: str) -> str:
    r"""Return text without control characters and with absolute paths cut to their last part.

    Line ends and tabs stay.

    >>> scrub_text("cannot read /home/ann/runs/7/x.npy")
    'cannot read …/x.npy'
    >>> scrub_text("s3://bucket/a/b")
    's3://bucket/a/b'
    """
    text = _POSIX.sub(lambda match: "…/" + match[0].rstrip("/").rpartition("/")[2], _FILE_URI.sub("", text))
    text = _WINDOWS.sub("…/", _HOME.sub("…/", text))
    return "".join(c if c in "\n\t" else display_name(c) for c in text)


def scrub(value: Any) -> Any:
    """Return plain JSON with every string in it scrubbed, keys included."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return {scrub_text(str(key)): scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(item) for item in value]
    return value
