"""`reject`: a person takes a model package out of service."""

from __future__ import annotations

from argparse import Namespace

from boomerang.errors import EXIT_PASSED
from pipelines.cli.decision import add_decision, decider, refuse_keys, say_stale
from pipelines.cli.options import Commands, add_out


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "reject",
        help="reject a model package",
        description="Take a package of the local registry or, with --on aws, of SageMaker's out of service.",
    )
    command.set_defaults(act=reject)
    add_decision(command)
    command.add_argument(
        "--reason", default="", metavar="TEXT", help="why (required); it stays in the package's history"
    )
    add_out(command)


def reject(options: Namespace) -> int:
    """Reject a package of the local registry, or of SageMaker's."""
    by = decider(options)
    name, status = _reject_on_aws(options, by) if options.on == "aws" else _reject_here(options, by)
    print(f"{name} is {status}")
    return EXIT_PASSED


def _reject_here(options: Namespace, by: str) -> tuple[str, str]:
    from pipelines.registry.approval import reject as decide
    from pipelines.registry.local import Registry

    registry = Registry(options.out / "registry")
    package = decide(registry, options.package, by=by, reason=options.reason, signing_key=options.sign)
    return package.name, package.status


def _reject_on_aws(options: Namespace, by: str) -> tuple[str, str]:
    from aws.approval import reject as decide
    from aws.client import Client

    refuse_keys(options)
    package = decide(
        Client(options.region),
        options.package,
        by=by,
        reason=options.reason,
        changed=lambda _: say_stale(options),
    )
    return package.name, package.status
