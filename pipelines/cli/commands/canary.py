"""`canary`: the newest approved model of this machine, asked about its canary records."""

from __future__ import annotations

from argparse import Namespace

from boomerang.errors import EXIT_PASSED, EXIT_REJECTED, UsageError
from pipelines.cli.options import Commands, add_keys, add_out, public_keys


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
        "--group", metavar="NAME", help="model package group (default: the one that there is)"
    )
    command.add_argument(
        "--floor",
        type=float,
        default=0.7,
        metavar="FRACTION",
        help="least canary accuracy, as the parameter CanaryFloor on AWS (default: 0.7)",
    )
    add_keys(command, "a public key that the package, and its approval, has to be signed with")
    add_out(command)


def canary(options: Namespace) -> int:
    """Run the canary on the newest Approved package."""
    from pipelines.registry.local import Registry
    from pipelines.watching.local_canary import reaches, run_canary, show_canary

    if not 0 <= options.floor <= 1:
        raise UsageError("--floor", f"{options.floor:g} is no accuracy", "give a fraction, 0 to 1")
    keys = public_keys(options.key)
    group = options.group or Registry(options.out / "registry").only_group()
    metrics, note = run_canary(options.out, group, keys)
    show_canary(metrics, options.floor, note)
    return EXIT_PASSED if reaches(metrics, options.floor) else EXIT_REJECTED
