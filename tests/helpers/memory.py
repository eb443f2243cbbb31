"""How much memory something takes at most while it goes on, beyond what was taken before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SELF = Path("/proc/self")


@dataclass
class Rise:
    """Bytes resident at most, pages of mapped files among them, less those at the start."""

    bytes: int = 0


@contextmanager
def risen() -> Iterator[Rise]:
    """Measure this process while the block runs (Linux)."""
    rise = Rise()
    (_SELF / "clear_refs").write_text("5")  # the peak begins anew
    before = _resident("VmRSS")
    yield rise
    rise.bytes = _resident("VmHWM") - before


def _resident(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", (_SELF / "status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024
