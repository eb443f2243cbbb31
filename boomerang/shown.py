"""What is shown to people: names and messages from outside, and the streams that they are printed to.

A name of a file or of a class may hold escapes that clear a terminal, color it, hide a line or turn its order
around. Everything that is printed goes through here, by `shown`: a command line and a step of a job enter it
once, and whatever is printed then is escaped, whoever prints it. Imports nothing but Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from boomerang.errors import UsageError

# Of what is not printable, what a text of several lines consists of.
_LAYOUT = "\n\t"

_MOST_SHOWN = 1_100


def display_name(name: str | Path) -> str:
    r"""Return a foreign name as printable text: control characters and broken UTF-8 become escapes.

    Of a name that is longer than any file system takes, the middle is left out.

    >>> display_name("a\x1b[31m.png")
    'a\\x1b[31m.png'
    """
    text = str(name)
    if len(text) > _MOST_SHOWN:
        text = f"{text[:200]}...({len(text):,} characters)...{text[-100:]}"
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable(text: str) -> str:
    r"""Return a text of one line or more with all else that is not printable as escapes.

    Characters that reorder or hide text are none that are printable, nor is a carriage return.

    >>> printable("1\t2\n\x1b[2J\u202e3")
    '1\t2\n\\x1b[2J\\u202e3'
    """
    if text.isprintable():
        return text
    return "".join(c if c in _LAYOUT else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()


class Styled:
    """A text stream whose reader may go away, and may know fewer characters than we do.

    Where the reader of a pipe has gone (`| head`), what is written is dropped: a command goes on, and ends
    with the exit code of what it did. For what colors its own text, such as rich's console.

    Parameters
    ----------
    stream : text file
    lossy : bool
        Drop what cannot be written for any reason. For messages: nobody is left to be told.
    """

    def __init__(self, stream: TextIO, *, lossy: bool = False) -> None:
        self.stream, self.lossy = stream, lossy

    def write(self, text: str) -> int:
        """Write a text; what the encoding of the stream lacks as escapes.

        Raises
        ------
        UsageError
            If it cannot be written, as on a full disk.
        """
        try:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                name = self.stream.encoding
                self.stream.write(text.encode(name, "backslashreplace").decode(name))
        except (OSError, ValueError) as error:  # the latter is of a closed stream
            self._lose(error)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is still held back."""
        try:
            self.stream.flush()
        except (OSError, ValueError) as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        """Drop what is held back, and what comes: Python would write it at its exit, and fail there."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        if not self.lossy and not isinstance(error, BrokenPipeError):
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError("what this command says cannot be written", why, "send it elsewhere") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Shown(Styled):
    """A stream on which nothing acts on a terminal: what is not printable is escaped."""

    def write(self, text: str) -> int:
        """Write a text that may come from anywhere."""
        super().write(printable(text))
        return len(text)

    @property
    def styled(self) -> TextIO:
        """The same stream, for what colors its own text and escapes what it is given."""
        return cast(TextIO, Styled(self.stream, lossy=self.lossy))


@contextmanager
def shown() -> Iterator[None]:
    """Let standard output and standard error be `Shown` while the block runs."""
    before = sys.stdout, sys.stderr
    out, messages = before
    # Either is None where it was closed before the program began.
    sys.stdout = cast(TextIO, Shown(out)) if out else out
    sys.stderr = cast(TextIO, Shown(messages, lossy=True)) if messages else messages
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
