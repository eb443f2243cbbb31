"""An interrupt from the keyboard is not lost.

KeyboardInterrupt is raised wherever the main thread is. Where that is a finalizer, which the garbage
collector may call at any time, Python prints the exception and goes on: the run would too. It is kept
here, and raised before the next wait.
"""

from __future__ import annotations

import sys

_kept = False


def keep() -> None:
    """Keep interrupts that Python would drop, from now on."""
    sys.unraisablehook = _hook


def check() -> None:
    """Raise KeyboardInterrupt if one was dropped; once."""
    global _kept  # noqa: PLW0603  # it is about the process, as the interrupt is
    if _kept:
        _kept = False
        raise KeyboardInterrupt


def _hook(dropped: sys.UnraisableHookArgs) -> None:
    global _kept  # noqa: PLW0603  # see check
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        _kept = True
    else:
        sys.__unraisablehook__(dropped)
