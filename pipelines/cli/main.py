"""The command line: its parser, how a command is run, and how it ends.

Each command is a module of `pipelines.cli.commands`. Nothing heavy is imported here or there at the top:
`--help`, a mistyped option and a wrong config answer at once. Exit codes are those of `boomerang.errors`;
130 is an interrupt from the keyboard.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from boomerang.errors import BoomerangError
from pipelines.cli.commands import (
    approve,
    canary,
    check,
    completion,
    dashboard,
    definition,
    deploy,
    destroy,
    image,
    key,
    plan,
    reject,
    report,
    run,
    status,
    verify,
)
from pipelines.cli.options import AS_COMMAND, AS_MODULE, Commands, Parser
from pipelines.runners import interrupts

EXIT_INTERRUPTED = 130

# In the order of `--help`: on this machine, about a model, on AWS.
_ADD: tuple[Callable[[Commands], None], ...] = (
    *(run.add, report.add, verify.add, key.add, plan.add, definition.add, check.add, image.add),
    *(canary.add, approve.add, reject.add, dashboard.add),
    *(deploy.add, status.add, destroy.add),
    completion.add,
)

_EPILOG = """\
exit codes: 0 the candidate passed the gate; 1 the gate rejected it; 2 usage, config or a step failed;
3 AWS; 4 a file is not what its manifest says

  {0} run
  {0} run --config badnets-add --set seed=1 --set attacks.0.rate=0.05
  {0} verify runs/default-20261121-101500
  {0} deploy --config cifar10 --image boomerang:gpu"""


def parser(program: str = AS_MODULE) -> Parser:
    """Return the parser of the whole command line, as it is called by this name."""
    top = Parser(
        prog=program,
        description="Stage a poisoning attack, measure it, defend, and keep a poisoned model out.",
        epilog=_EPILOG.format(program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.set_defaults(program=program, parser=parser)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for add in _ADD:
        add(commands)
    return top


def main(arguments: Sequence[str] | None = None, *, program: str = AS_MODULE) -> int:
    """Run one command and return its exit code; an error of the user's is one message, no traceback."""
    interrupts.keep()
    try:
        options = parser(program).parse_args(arguments)
        code: int = options.act(options)
        return code
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


def run_as_command() -> int:
    """Run the command line as `boomerang`, the installed command."""
    return main(program=AS_COMMAND)
