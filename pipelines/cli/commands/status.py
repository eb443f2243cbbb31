"""`status`: an execution on AWS, shown once or until it ends."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from boomerang.errors import EXIT_PASSED
from pipelines.cli.command_lines import follow_command
from pipelines.cli.options import Commands, add_range

if TYPE_CHECKING:
    from pipelines.cloud.deployed import Range


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "status",
        help="show an execution on AWS",
        description="Show the steps of an execution, what failed, why, and what to do; then the newest "
        "packages and the alarms. Ends with 0 if it passed or goes on, with 1 if the gate rejected, with 3 "
        "if it failed.",
    )
    command.set_defaults(act=status)
    command.add_argument(
        "execution",
        nargs="?",
        default="",
        metavar="EXECUTION",
        help="its ARN, id or name (default: the newest)",
    )
    command.add_argument("--watch", action="store_true", help="until it ends")
    add_range(command)


def status(options: Namespace) -> int:
    """Show an execution; with `--watch`, until it ends."""
    from aws.account import connect
    from pipelines.cloud.deployed import deployed
    from pipelines.cloud.follow import show, show_surroundings
    from pipelines.cloud.status import find_execution, read_execution, read_surroundings

    range_ = deployed(connect(options.region), options.project)
    arn = find_execution(range_, options.execution)
    if arn is None:
        print(f"pipeline {range_.stack.outputs['PipelineName']} has not run yet")
        show_surroundings(read_surroundings(range_))
        return EXIT_PASSED
    if options.watch:
        return watch(range_, arn, options)
    state = read_execution(range_.account, arn)
    show(state, read_surroundings(range_))
    return state.exit_code


def watch(range_: Range, arn: str, options: Namespace) -> int:
    """Follow an execution to its end and return the exit code of how it ended.

    Raises
    ------
    KeyboardInterrupt
        With how to go on watching: the execution goes on all the same.
    """
    from pipelines.cloud.follow import follow, show
    from pipelines.cloud.status import read_surroundings

    try:
        state = follow(range_.account, arn)
    except KeyboardInterrupt:
        again = follow_command(arn, options)
        raise KeyboardInterrupt(f"the execution goes on; follow it: {again}") from None
    show(state, read_surroundings(range_))
    return state.exit_code
