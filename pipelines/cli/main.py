"""The command line: how a command is run, and how it ends. `pipelines.cli.parsers` has what it takes.

Nothing heavy is imported here: `--help`, a mistyped option and a wrong config answer at once.
Exit codes are those of `boomerang.errors`; 130 is an interrupt from the keyboard.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from boomerang.errors import BoomerangError
from pipelines.cli.parsers import parser
from pipelines.runners import interrupts

__all__ = ["main", "parser"]

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error of the user's is one message, no traceback."""
    interrupts.keep()
    try:
        options = parser().parse_args(arguments)
        return _command(options)
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        # Who was interrupted may know better what it means.
        said = str(interrupt) or "finished steps are kept, the same command goes on after them"
        print(f"interrupted; {said}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has gone; nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _command(options: argparse.Namespace) -> int:
    from pipelines.cli import commands

    code: int = getattr(commands, options.command)(options)
    return code
