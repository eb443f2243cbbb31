"""Children that a test interrupts.

A shell that starts a command in the background (`make test &`) has it ignore SIGINT, and so its children do:
Python then raises no KeyboardInterrupt in them. Whoever interrupts a child starts it in here.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard() -> Iterator[None]:
    """Let SIGINT interrupt this process and whatever it starts here, as at a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
