"""`destroy`: the range, deleted from an AWS account."""

from __future__ import annotations

from argparse import Namespace

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, add_range, add_role, add_yes


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "destroy",
        help="delete the range from an AWS account",
        description="Delete the dashboard and the stack. Says first what goes, and what stays and why.",
    )
    command.set_defaults(act=destroy)
    add_range(command)
    add_role(command)
    add_yes(command)


def destroy(options: Namespace) -> int:
    """Delete the range, after saying what goes and what stays."""
    from aws.account import connect
    from aws.stack.intrinsics import load_template
    from pipelines.cloud.consent import agreed, say
    from pipelines.cloud.destroy import destroy as delete
    from pipelines.cloud.destroy import plan
    from pipelines.cloud.range_tables import show_going

    account = connect(options.region)
    going = plan(account, options.project, load_template(), say)
    if going is None:
        print(f"there is no stack {options.project} in {account.region}: nothing to delete")
        return EXIT_PASSED
    show_going(going)
    if not agreed(f"delete stack {options.project}?", yes=options.yes):
        raise UsageError("destroy", "you did not agree, so nothing was deleted", "destroy again")
    delete(account, going, say, role=options.role_arn)
    print(f"stack {options.project} is gone")
    return EXIT_PASSED
