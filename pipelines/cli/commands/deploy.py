"""`deploy`: the range, put into an AWS account or brought up to date."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from boomerang.errors import EXIT_PASSED
from pipelines.cli.command_lines import entry_command
from pipelines.cli.options import (
    Commands,
    add_entry,
    add_out,
    add_parameter,
    add_range,
    add_role,
    add_yes,
    definitions,
)

if TYPE_CHECKING:
    from pipelines.cloud.deploy import Request


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "deploy",
        help="put the range into an AWS account",
        description="Make the stack or bring it up to date: image, definitions and data are uploaded where "
        "they are not there yet. Shows every change of the stack before it is made. Goes on where it was "
        "interrupted.",
    )
    command.set_defaults(act=deploy)
    for add_options in (add_entry, add_range, add_parameter, add_role, add_yes, add_out):
        add_options(command)
    image = command.add_mutually_exclusive_group()
    image.add_argument(
        "--image",
        metavar="NAME",
        help="local image (default: boomerang:gpu where the entry trains on a GPU, else boomerang:cpu)",
    )
    image.add_argument(
        "--image-uri", metavar="URI", help="one that is pushed already: REPOSITORY@sha256:DIGEST"
    )


def deploy(options: Namespace) -> int:
    """Put the range into an account, or bring it up to date."""
    from aws.account import connect
    from pipelines.cloud.consent import agreed_to, say
    from pipelines.cloud.deploy import deploy as bring
    from pipelines.cloud.deploy import rehearse
    from pipelines.cloud.range_tables import show_deployed

    request = _request(options)
    rehearse(request)
    account = connect(options.region)
    number, who = account.identity()
    say(f"account {number}, region {account.region}, as {who}")
    _warn_of_idle_gpus(request)
    outcome = bring(request, account, say=say, agree=lambda changes: agreed_to(changes, yes=options.yes))
    show_deployed(outcome, then=entry_command("run --on aws", options))
    return EXIT_PASSED


def _request(options: Namespace) -> Request:
    from aws.image.image import TAGS, find
    from aws.stack.intrinsics import load_template
    from aws.stack.parameters import read_parameters
    from pipelines.campaign.entry import load
    from pipelines.cloud.deploy import Request
    from pipelines.definition.machines import has_gpu

    template = load_template()
    config = load(options.config, options.overrides)
    image = options.image or TAGS["gpu" if has_gpu(config.jobs.training_instance) else "cpu"]
    return Request(
        config=config,
        project=options.project,
        template=template,
        parameters=read_parameters(options.parameters, options.project, template),
        image=options.image_uri or find(image),
        role=options.role_arn,
        cache=definitions(options.out),
    )


def _warn_of_idle_gpus(request: Request) -> None:
    """Say that machines with a GPU are paid for that the image cannot use."""
    from aws.image.image import TAGS
    from pipelines.cloud.consent import say
    from pipelines.definition.machines import has_gpu

    machine = request.config.jobs.training_instance
    if not isinstance(request.image, str) and request.image.tag == TAGS["cpu"] and has_gpu(machine):
        say(f"the image {request.image.tag} uses no GPU, and training runs on {machine}: see `image --help`")
