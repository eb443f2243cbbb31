"""How a command ends that nobody saw coming: one line, an exit code of its own, the traceback in a file."""

from __future__ import annotations

import errno
import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence

from boomerang.errors import BadInput
from boomerang.shown import display_name, printable

_LONGEST, _AROUND = 300, 40

_PLACE = "give a place where you may write, or change who may"
_DESCRIPTORS = "close what has files open, or raise the limit: ulimit -n 4096"
_ROOM = "make room, and give the same command again; what was finished is kept"
# What is wrong with a place, a disk or the machine, and no mistake of ours; what to do about it.
_OF_THE_MACHINE: Mapping[int, str] = {
    errno.ENOENT: "it is not there, or went away meanwhile: give another place, or the same command again",
    errno.EACCES: _PLACE,
    errno.EPERM: _PLACE,
    errno.EROFS: _PLACE,
    errno.ENOTDIR: "a part of this path is a file: give another",
    errno.EISDIR: "it is a folder: give a file",
    errno.EEXIST: "something of this name is there: move it away, or give another",
    errno.ELOOP: "its links lead in a circle: correct them",
    errno.ENAMETOOLONG: "give a shorter one",
    errno.EILSEQ: "give a name that this file system takes",
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.ENOMEM: "close other programs, and give the same command again",
    errno.EIO: "check the disk, or give another place",
    errno.EMFILE: _DESCRIPTORS,
    errno.ENFILE: _DESCRIPTORS,
}


def of_the_machine(error: Exception) -> BadInput | None:
    """Return a clear error where a place, a disk or the machine is what is wrong; None where we may be."""
    if isinstance(error, UnicodeError):
        return _of_a_name(error)
    do = _OF_THE_MACHINE.get(error.errno or 0) if isinstance(error, OSError) else None
    if not isinstance(error, OSError) or do is None:
        return None
    what = " -> ".join(display_name(_text(name)) for name in (error.filename, error.filename2) if name)
    return BadInput(what or "this machine", error.strerror or "", do)


def _of_a_name(error: UnicodeError) -> BadInput | None:
    """Return an error about a name that is not UTF-8; Python has it with a lone surrogate a byte."""
    if not isinstance(error, UnicodeEncodeError) or error.reason != "surrogates not allowed":
        return None
    around = error.object[max(0, error.start - _AROUND) : error.end + _AROUND]
    return BadInput(f"the name '{display_name(around)}'", "it is not UTF-8", "rename it")


def _text(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, bytes | str) else str(name)


def report(error: BaseException, arguments: Sequence[str]) -> str:
    """Keep the traceback of an error in a file that only this user can read; return one line that says so."""
    what = type(error).__name__
    if said := _short(" ".join(str(error).split())):
        what += f": {said}"
    try:
        kept = f"its traceback is in {_keep(error, arguments)}"
    except (OSError, MemoryError, RecursionError) as refusal:
        why = getattr(refusal, "strerror", None) or type(refusal).__name__
        kept = f"its traceback could not be kept ({why})"
    return f"error: this should not happen ({what}); {kept}"


def _short(text: str) -> str:
    shown = display_name(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _keep(error: BaseException, arguments: Sequence[str]) -> str:
    lines = [
        f"command: {shlex.join(arguments)}\n",
        f"python: {platform.python_version()} on {platform.platform()}\n\n",
        *traceback.format_exception(error),
    ]
    handle, path = tempfile.mkstemp(prefix="boomerang-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(printable("".join(lines)))
    return path


def missing_package(error: ImportError) -> BadInput | None:
    """Return a clear error where a package of others is not installed; None where the module is ours."""
    name = (error.name or "").partition(".")[0]
    if not name or name in {"boomerang", "processing", "training", "aws", "pipelines"}:
        return None
    python = shlex.quote(sys.executable)
    do = f"install what is needed: {python} -m pip install -r requirements.txt (`make run` does it in .venv)"
    return BadInput(f"package {name}", f"{python} cannot import it ({display_name(str(error))})", do)
