"""The command line: its parser, how a command is run, and how it ends.

Each command is a module of `pipelines.cli.commands`. Nothing heavy is imported here or there at the top:
`--help`, a mistyped option and a wrong config answer at once. Exit codes are those of `boomerang.errors`.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence

from boomerang.errors import EXIT_INTERRUPTED, EXIT_UNFORESEEN, EXIT_WORDS, BoomerangError
from boomerang.shown import shown
from pipelines.cli import last_resort
from pipelines.cli.commands import (
    approve,
    attacks,
    campaign,
    canary,
    check,
    compare,
    completion,
    dashboard,
    data,
    defenses,
    definition,
    deploy,
    destroy,
    image,
    inspect,
    key,
    plan,
    reject,
    report,
    run,
    status,
    undo,
    verify,
)
from pipelines.cli.options import AS_COMMAND, AS_MODULE, Commands, Parser
from pipelines.runners import interrupts

# In the order of `--help`: on this machine, about a model, on AWS.
_ADD: tuple[Callable[[Commands], None], ...] = (
    *(
        run.add,
        campaign.add,
        data.add,
        attacks.add,
        defenses.add,
        report.add,
        compare.add,
        verify.add,
        undo.add,
    ),
    *(key.add, plan.add, definition.add, check.add, image.add),
    *(inspect.add, canary.add, approve.add, reject.add, dashboard.add),
    *(deploy.add, status.add, destroy.add),
    completion.add,
)

_EPILOG = """\
{1}

  {0} run
  {0} run --config badnets-add --set seed=1 --set attacks.0.rate=0.05
  {0} verify runs/default-20261121-101500
  {0} deploy --config cifar10"""


def parser(program: str = AS_MODULE) -> Parser:
    """Return the parser of the whole command line, as it is called by this name."""
    top = Parser(
        prog=program,
        description="Stage a poisoning attack, measure it, defend, and keep a poisoned model out.",
        epilog=_EPILOG.format(program, textwrap.fill(_codes(), 100)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.set_defaults(program=program, parser=parser)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for add in _ADD:
        add(commands)
    return top


def _codes() -> str:
    return "exit codes: " + "; ".join(f"{code} {words}" for code, words in EXIT_WORDS.items())


def main(arguments: Sequence[str] | None = None, *, program: str = AS_MODULE) -> int:
    """Run one command and return its exit code; whatever goes wrong is a message, never a traceback."""
    interrupts.keep()
    given = sys.argv[1:] if arguments is None else list(arguments)
    with shown():
        try:
            return _act(given, program)
        except KeyboardInterrupt as interrupt:
            # Who was interrupted may know better what it means.
            said = str(interrupt) or "finished steps are kept, the same command goes on after them"
            print(f"interrupted; {said}", file=sys.stderr)
            return EXIT_INTERRUPTED
        except Exception as error:
            return _refuse(error, [*program.split(), *given])
        except SystemExit as end:
            if not end.code:  # it is argparse's, after --help
                raise
            return _refuse(end, [*program.split(), *given])


def _act(arguments: Sequence[str], program: str) -> int:
    options = parser(program).parse_args(arguments)
    code: int = options.act(options)
    if sys.stdout is not None:  # it is None where it was closed before the program began
        sys.stdout.flush()
    return code


def _refuse(error: BaseException, command: Sequence[str]) -> int:
    """Say what went wrong and return the exit code of it."""
    clear: BaseException | None = error
    if isinstance(error, ImportError):
        clear = last_resort.missing_package(error)
    elif isinstance(error, Exception) and not isinstance(error, BoomerangError):
        clear = last_resort.of_the_machine(error)
    if isinstance(clear, BoomerangError):
        print(f"error: {clear}", file=sys.stderr)
        return clear.exit_code
    print(last_resort.report(error, command), file=sys.stderr)
    return EXIT_UNFORESEEN


def run_as_command() -> int:
    """Run the command line as `boomerang`, the installed command."""
    return main(program=AS_COMMAND)
