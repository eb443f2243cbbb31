"""A random key of this user, by which a file of a workspace is known to be written by them.

    $XDG_STATE_HOME/boomerang/workspaces.key     or ~/.local/state/boomerang/workspaces.key

It lies outside every workspace: who may write into one cannot make the code that belongs to what they wrote.
A code (HMAC-SHA256) names its key, so that what another user wrote is told from what was changed.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from boomerang.digest import canonical_json

NAME = "workspaces.key"
_BYTES = 32
_ID_CHARACTERS = 16


def user_key() -> bytes | None:
    """Return the key, made when it is first asked for; None where it cannot be kept for this user alone."""
    try:
        folder = _state() / "boomerang"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / NAME).exists():
            _make(folder)
        if (key := _read(folder / NAME)) is None:
            _say(folder / NAME)
        return key
    except (OSError, RuntimeError):  # the latter is Path.home's, of a user without one
        return None


@cache
def _say(key: Path) -> None:
    """Say once why nothing is kept."""
    print(f"nothing is kept for later runs: {key} is not this user's alone; remove it", file=sys.stderr)


def user_code(purpose: str, content: Any) -> str:
    """Return this user's code of plain JSON, for a purpose; empty where no key can be kept."""
    key = user_key()
    return "" if key is None else _code(key, purpose, content)


def made_by_user(code: object, purpose: str, content: Any) -> bool | None:
    """Whether a code is this user's of that content; None if it is another user's, or nobody's.

    Of another user's code nobody but they can say whether it is right.
    """
    key = user_key()
    if not isinstance(code, str) or key is None or code.partition(":")[0] != _id(key):
        return None
    return hmac.compare_digest(code.encode(), _code(key, purpose, content).encode())


def _code(key: bytes, purpose: str, content: Any) -> str:
    return f"{_id(key)}:{hmac.digest(key, canonical_json([purpose, content]), 'sha256').hex()}"


def _id(key: bytes) -> str:
    return hmac.digest(key, b"id", "sha256").hex()[:_ID_CHARACTERS]


def _state() -> Path:
    """Return the folder for what programs keep of a user; a relative one is to be ignored, says XDG."""
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    home = Path.home()
    if not home.is_dir():
        raise FileNotFoundError(home)  # it is not ours to make
    return home / ".local" / "state"


def _make(folder: Path) -> None:
    """Put a new key there in one piece, unless another process was first."""
    handle, scratch = tempfile.mkstemp(dir=folder, prefix=f".{NAME}.")  # for this user alone
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(scratch, folder / NAME)
    finally:
        Path(scratch).unlink()


def _read(file: Path) -> bytes | None:
    """Return a key, unless somebody else can read it or may have written it."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
        found = os.fstat(stream.fileno())
        key = stream.read(_BYTES + 1)
    private = found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
    return key if private and stat.S_ISREG(found.st_mode) and len(key) == _BYTES else None
