"""Whether a process is still there, so that what a killed one has left can be cleared."""

from __future__ import annotations

import os


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True
