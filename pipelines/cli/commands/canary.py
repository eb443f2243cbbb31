"""`canary`: the newest approved model of this machine, asked about its canary records."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, EXIT_REJECTED, UsageError
from pipelines.cli.options import Commands, add_out


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "canary",
        help="ask the newest approved model about its canary records",
        description="Run the canary on the newest Approved package of the local registry and add what it "
        "measures to metrics.jsonl. Ends with 0 if the canary accuracy reaches the floor, with 1 if not.",
    )
    command.set_defaults(act=canary)
    command.add_argument(
        "--group", default="boomerang", metavar="NAME", help="model package group (default: boomerang)"
    )
    command.add_argument(
        "--floor",
        type=float,
        default=0.7,
        metavar="FRACTION",
        help="least canary accuracy, as the parameter CanaryFloor on AWS (default: 0.7)",
    )
    command.add_argument(
        "--key", type=Path, metavar="FILE", help="public key that the package has to be signed with"
    )
    add_out(command)


def canary(options: Namespace) -> int:
    """Run the canary on the newest Approved package."""
    from boomerang.signing import PublicKey
    from pipelines.watching.local_canary import reaches, run_canary, show_canary

    if not 0 <= options.floor <= 1:
        raise UsageError("--floor", f"{options.floor:g} is no accuracy", "give a fraction, 0 to 1")
    key = PublicKey.read(options.key) if options.key else None
    metrics, note = run_canary(options.out, options.group, key)
    show_canary(metrics, options.floor, note)
    return EXIT_PASSED if reaches(metrics, options.floor) else EXIT_REJECTED
