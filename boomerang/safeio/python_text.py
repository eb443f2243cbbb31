"""Python's own text as a tree, one thread at a time.

Before 3.11.8 Python counted how deep it is in a tree once for all threads, and two that parsed at a time
could end in a SystemError (python/cpython#106905). Whoever parses where threads run does it here.
"""

from __future__ import annotations

import ast
from threading import Lock
from typing import Any

_ALONE = Lock()


def parse_python(text: bytes) -> ast.Module:
    """Return the tree of a module; raises SyntaxError or ValueError if it is none."""
    with _ALONE:
        return ast.parse(text)


def parse_literal(text: str) -> Any:
    """Return the value that a literal spells; raises what `ast.literal_eval` raises."""
    with _ALONE:
        return ast.literal_eval(text)
