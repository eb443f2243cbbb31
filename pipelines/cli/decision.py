"""What `approve` and `reject` share: about which package, who decides, and what is said afterwards."""

from __future__ import annotations

from argparse import Namespace
from getpass import getuser
from pathlib import Path

from boomerang.errors import UsageError
from pipelines.cli.command_lines import dashboard_command
from pipelines.cli.options import Parser, add_region


def add_decision(command: Parser) -> None:
    """Add the package, who decides, and where the package is registered."""
    command.add_argument("package", metavar="GROUP/VERSION", help="the package, for example default/1")
    command.add_argument("--by", default="", metavar="NAME", help="who decides (default: the user's name)")
    command.add_argument(
        "--on",
        choices=("process", "aws"),
        default="process",
        help="process: the local registry (default); aws: SageMaker's",
    )
    add_region(command)
    command.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign the decision with this key file, as `canary --key` asks for (see `key`)",
    )


def refuse_keys(options: Namespace) -> None:
    """Refuse keys of this machine for a decision on AWS, which is signed as the call that it is."""
    for option in ("--sign", "--key"):
        if getattr(options, option.removeprefix("--"), None):
            raise UsageError(f"{option} with --on aws", "there IAM says who decides", f"leave out {option}")


def decider(options: Namespace) -> str:
    """Return who decides: as given, or the name of the user of this process.

    Raises
    ------
    UsageError
        If none is given and the user has none.
    """
    try:
        name: str = options.by or getuser()
    except (ImportError, KeyError, OSError):  # a user id without a name, as in a container
        raise UsageError("--by", "the user of this process has no name", "say who decides") from None
    return name


def say_stale(options: Namespace) -> None:
    """Say how the dashboard learns of a decision: the person who decides may not change it."""
    from pipelines.cloud.consent import say

    command = dashboard_command(options)
    say(f"who deploys brings the dashboard's line on packages up to date: {command}")
