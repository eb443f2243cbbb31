"""Locks between processes: held while a block runs, and gone with the process that held them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boomerang.errors import UsageError

# In a run's folder: locked by who works on the run, and by who watches over one of its jobs.
RUN_LOCK, JOBS_LOCK = ".lock", ".jobs.lock"


@contextmanager
def locked(path: Path, *, wait: bool, what: str) -> Iterator[None]:
    """Hold the lock of a file.

    Parameters
    ----------
    path : Path
        Made if it is not there, and left.
    wait : bool
        Wait for whoever holds it, or fail at once.
    what : str
        What is locked, for the message.

    Raises
    ------
    UsageError
        If another process holds it and `wait` is False.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            why = "another process is working on it"
            raise UsageError(what, why, "wait until it has ended, or choose another name") from None
        yield
