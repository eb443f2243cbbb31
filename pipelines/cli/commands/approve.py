"""`approve`: a person lets a model package into use."""

from __future__ import annotations

from argparse import Namespace

from boomerang.errors import EXIT_PASSED
from pipelines.cli.decision import add_decision, decider, refuse_keys, say_stale
from pipelines.cli.options import Commands, add_keys, add_out, public_keys


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "approve",
        help="approve a model package",
        description="Approve a package of the local registry or, with --on aws, of SageMaker's. One that was "
        "rejected before, by the gate or since, is refused.",
    )
    command.set_defaults(act=approve)
    add_decision(command)
    command.add_argument(
        "--reason", default="", metavar="TEXT", help="why; it stays in the package's history"
    )
    command.add_argument(
        "--override", action="store_true", help="approve it although it was rejected; needs --reason"
    )
    add_keys(command, "a public key that the package and its run have to be signed with")
    add_out(command)


def approve(options: Namespace) -> int:
    """Approve a package of the local registry, or of SageMaker's."""
    by = decider(options)
    name, status = _approve_on_aws(options, by) if options.on == "aws" else _approve_here(options, by)
    print(f"{name} is {status}")
    return EXIT_PASSED


def _approve_here(options: Namespace, by: str) -> tuple[str, str]:
    from pipelines.registry.approval import approve as decide
    from pipelines.registry.local import Registry

    registry = Registry(options.out / "registry")
    package = decide(
        registry,
        options.package,
        by=by,
        reason=options.reason,
        override=options.override,
        tell=print,
        keys=public_keys(options.key),
        signing_key=options.sign,
    )
    return package.name, package.status


def _approve_on_aws(options: Namespace, by: str) -> tuple[str, str]:
    """Approve a package of SageMaker's registry, after saying the gate's numbers."""
    from aws.approval import approve as decide
    from aws.client import Client

    refuse_keys(options)
    package = decide(
        Client(options.region),
        options.package,
        by=by,
        reason=options.reason,
        override=options.override,
        tell=print,
        changed=lambda _: say_stale(options),
    )
    return package.name, package.status
