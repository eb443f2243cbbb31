"""An interrupt is not lost: from the keyboard, by SIGTERM, or because the terminal was closed.

KeyboardInterrupt is raised wherever the main thread is. Where that is a finalizer, which the garbage
collector may call at any time, Python prints the exception and goes on: the run would too. It is kept
here, and raised before the next wait. Who tells a process to end does not mean anything else by it, and gets
the same.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

_kept = False


def keep() -> None:
    """Keep interrupts that Python would drop, and take other signals to end for interrupts, from now on."""
    sys.unraisablehook = _hook
    if threading.current_thread() is not threading.main_thread():
        return  # signals are the main thread's
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) == signal.SIG_DFL:  # `nohup` has SIGHUP ignored
            signal.signal(each, _end)


def _end(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(f"it got {signal.Signals(number).name}; finished steps are kept")


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
