"""Folders that appear in one piece, and what a killed process has left of them.

Whoever makes a folder works in a scratch folder beside it, `.NAME.PID.part`, which takes its place when it is
whole; what it replaces is `.NAME.PID.old` until then, and what is taken away `.NAME.PID.gone`. A file that is
written in one piece is `.NAME.PID.RANDOM.part` before. A name like that with the number of a process that is
gone is left over: the next one to make something there, or `sweep`, clears it, and puts an old one back where
the new one did not come.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PART, _OLD, _GONE = "part", "old", "gone"
# The shortest name that fits: a random part may be all digits, and is no process then.
_LEFT_OVER = re.compile(
    rf"\.(?P<name>.+?)\.(?P<pid>[0-9]+)(\.[0-9a-f]{{8}})?\.(?P<what>{_PART}|{_OLD}|{_GONE})"
)


@contextmanager
def in_one_piece(path: Path, *, replace: bool = True, last: str = "") -> Iterator[Path]:
    """Give a scratch folder that becomes `path` when the block ends well, and vanishes when not.

    A reader sees the old folder, none, or the new one, never a half.

    Parameters
    ----------
    path : Path
        Its parent is made if it is not there.
    replace : bool
        Take the place of a folder that is there. Without, one that is there stays as it is, and the new one
        is
        dropped: whoever was first has made the same.
    last : str
        Where `path` has to stay, because it is a mount point, files are moved into it one by one: this one
        after
        all others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_for(path)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{_PART}")
    scratch.mkdir()
    try:
        yield scratch
        if replace:
            _put(scratch, path, last)
        else:
            _offer(scratch, path)
    finally:
        remove_tree(scratch)


def discard(path: Path) -> None:
    """Take a folder away in one piece: another process sees all of it or nothing."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{_GONE}")
    try:
        path.rename(aside)
    except FileNotFoundError:  # another process was first
        return
    remove_tree(aside)


def sweep(folder: Path) -> None:
    """Remove what processes that are gone have left in a folder; what they were replacing comes back."""
    for left in folder.glob(".*"):
        found = _LEFT_OVER.fullmatch(left.name)
        if found and not is_alive(int(found["pid"])):
            _clear(left, found)


def _clear_for(path: Path) -> None:
    """Clear what is left of earlier tries to make this folder, this process's own among them."""
    for left in path.parent.glob(".*"):
        found = _LEFT_OVER.fullmatch(left.name)
        if found and found["name"] == path.name and _is_left(int(found["pid"])):
            _clear(left, found)


def _clear(left: Path, found: re.Match[str]) -> None:
    """Remove one thing that is left over, or put it back; another process may be doing the same."""
    path = left.with_name(found["name"])
    with suppress(FileNotFoundError):
        if found["what"] == _OLD and not path.exists():
            left.rename(path)
        elif left.is_dir() and not left.is_symlink():
            remove_tree(left)
        else:
            left.unlink()


def _is_left(pid: int) -> bool:
    return pid == os.getpid() or not is_alive(pid)


def _put(new: Path, path: Path, last: str) -> None:
    if path.exists() and not any(path.iterdir()):
        try:
            path.rmdir()  # a job's output folder is there, empty, before the job starts
        except OSError:
            _fill(path, new, last)  # it is a mount point
            return
    if not path.exists():
        new.rename(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.{_OLD}")
    path.rename(old)
    new.rename(path)
    remove_tree(old)


def _offer(new: Path, path: Path) -> None:
    try:
        new.rename(path)
    except OSError:
        if not path.is_dir():
            raise


def _fill(path: Path, new: Path, last: str) -> None:
    for item in sorted(new.iterdir(), key=lambda p: p.name == last):
        shutil.move(item, path / item.name)


def remove_tree(path: Path) -> None:
    """Remove a folder if it is there, also where parts of it were made unwritable; of a link, the link
    alone."""
    if path.is_symlink():
        path.unlink()
        return
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o755)
    shutil.rmtree(path)


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True
