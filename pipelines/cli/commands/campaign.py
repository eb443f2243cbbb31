"""`campaign`: many runs, one matrix."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.command_lines import follow_command
from pipelines.cli.options import Commands, add_out, add_range, add_yes, make_out
from pipelines.cli.where import runner_on, with_image

if TYPE_CHECKING:
    from pipelines.campaign.site import Site
    from pipelines.matrix.campaign import Staged

_MOST_JOBS, _JOBS_ON_AWS = 50, 10


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "campaign",
        help="run a matrix of data, attacks, defenses and seeds",
        description="Run every cell of a campaign (bench/campaigns has examples, docs/campaigns.md says how "
        "to write one): each attack at each rate against each defense and the controls, with each seed. "
        "Steps that cells share run once. It ends with a table, and writes matrix.html, .json and .csv; "
        "interrupted or killed, the same command goes on. `plan --campaign FILE` says what it would do.",
    )
    command.set_defaults(act=campaign)
    command.add_argument("file", type=Path, metavar="FILE", help="the campaign, a TOML file")
    command.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="run these alone, and leave the rest of the matrix as it is: a row, a column, an attack, data, "
        "s1 for a seed, or the id of a run; * stands for anything; may be repeated",
    )
    command.add_argument(
        "--add",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="add the data, attacks, defenses and seeds of this file, for good; may be repeated",
    )
    command.add_argument(
        "--jobs", type=_jobs, metavar="N", help="runs at a time (default: as cores and memory allow)"
    )
    command.add_argument(
        "--on",
        choices=("process", "local", "aws"),
        default="process",
        help="process: nothing but Python (default); local: SageMaker local mode, one run after the other; "
        "aws: start it as one pipeline, in the place of the deployed one",
    )
    command.add_argument(
        "--image", metavar="NAME", help="with --on local: the image (default: boomerang:cpu)"
    )
    command.add_argument("--id", default="", metavar="ID", help="with --on aws: name of the execution")
    add_out(command)
    add_range(command)
    add_yes(command)


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_JOBS):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {_MOST_JOBS}")
    return int(text)


def campaign(options: Namespace) -> int:
    """Run a campaign and write its matrix."""
    from pipelines.matrix.campaign import add_to, open_campaign, prepare, run_campaign
    from pipelines.matrix.running.workers import parallel_jobs

    if options.on == "local" and (options.jobs or 1) > 1:
        raise UsageError("--jobs with --on local", "there the runs go one after the other", "leave it out")
    staged = open_campaign(options.file, options.out, options.add)
    if options.on == "aws":
        return _start_on_aws(options, staged)
    site = _site(options, staged)
    make_out(options.out)
    cells = prepare(staged, options.only, site)
    add_to(staged, options.add)
    jobs = 1 if options.on == "local" else options.jobs or parallel_jobs()
    run_campaign(staged, cells, site, runner_on(options.on), jobs)
    return EXIT_PASSED


def _start_on_aws(options: Namespace, staged: Staged) -> int:
    """Make the campaign the deployed pipeline, and start it."""
    from aws.account import connect
    from pipelines.cloud.campaign_start import start_campaign
    from pipelines.cloud.consent import agreed_to, say
    from pipelines.cloud.deployed import deployed
    from pipelines.matrix.campaign import add_to, members_of

    if options.image:
        raise UsageError(
            "--image", "on AWS the deployed image runs", "deploy another one: deploy --image NAME"
        )
    members = members_of(staged, options.only, say)
    make_out(options.out)
    add_to(staged, options.add)
    arn = start_campaign(
        deployed(connect(options.region), options.project),
        staged.campaign.name,
        members,
        say=say,
        agree=lambda changes: agreed_to(changes, yes=options.yes),
        max_concurrency=options.jobs or _JOBS_ON_AWS,
        execution=options.id,
    )
    print(arn)
    say(f"follow it: {follow_command(arn, options)}")
    return EXIT_PASSED


def _site(options: Namespace, staged: Staged) -> Site:
    from pipelines.campaign.site import local_site

    site = local_site(staged.campaign.name)
    if options.on == "process":
        if options.image:
            raise UsageError("--image", "it is of containers", "add --on local")
        return site
    return with_image(site, options.image)
