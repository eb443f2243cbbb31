"""`run`: one campaign entry, in processes, in containers or on AWS."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from boomerang.errors import EXIT_PASSED, EXIT_REJECTED, StepFailed, UsageError
from pipelines.cli.command_lines import entry_command, follow_command
from pipelines.cli.commands.status import watch
from pipelines.cli.options import Commands, Parser, add_entry, add_out, add_range, definitions, make_out
from pipelines.cli.where import runner_on, with_image

if TYPE_CHECKING:
    from pipelines.campaign.sections import Config
    from pipelines.campaign.site import Signing, Site
    from pipelines.definition.build import Built
    from pipelines.runs.records import Execution


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "run",
        help="run one campaign entry",
        description="Run one campaign entry: on this machine as processes, where steps that ran before with "
        "the same content are taken from the cache; in containers of the image through SageMaker's local "
        "mode; or on AWS, where it was deployed. Here it ends with a table and writes report.html.",
    )
    command.set_defaults(act=run)
    _add_where(command)
    add_entry(command)
    add_out(command)
    command.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign what trainings read and the candidate, with this key file (see `key`)",
    )
    command.add_argument(
        "--id",
        default="",
        metavar="ID",
        help="name of the run's folder (default: the entry's name and the time), or of the execution",
    )
    command.add_argument(
        "--group",
        metavar="NAME",
        help="model package group that the candidate is registered in (default: the entry's name); "
        "on AWS it is the stack's",
    )
    command.add_argument("--wait", action="store_true", help="with --on aws: follow it to its end")
    add_range(command)


def _add_where(command: Parser) -> None:
    command.add_argument(
        "--on",
        choices=("process", "local", "aws"),
        default="process",
        help="process: nothing but Python (default); local: SageMaker local mode, in Docker; "
        "aws: start the deployed pipeline",
    )
    command.add_argument(
        "--image",
        metavar="NAME",
        help="with --on local: the image, by tag or digest (default: boomerang:cpu, see `image`)",
    )


def run(options: Namespace) -> int:
    """Run a campaign entry, write its report, and show its numbers; on AWS, start it."""
    if options.on == "aws":
        _refuse_key(options, "on AWS every run is signed, with the key of the stack")
        if options.group is not None:
            do = "deploy it with --parameter PackageGroup=NAME"
            raise UsageError("--group with --on aws", "there the group is the stack's", do)
        return _run_on_aws(options)
    if options.on == "local":
        _refuse_key(options, "containers would have to be given the key")
    from pipelines.campaign.entry import load
    from pipelines.definition.build import build

    config = load(options.config, options.overrides)
    run_id = _run_id(options.id, config)
    site = _site(options, config)
    make_out(options.out)
    built = build(config, site, cache=definitions(options.out))
    return _conclude(_execute(config, site, built, options, run_id), options.out / run_id)


def _refuse_key(options: Namespace, why: str) -> None:
    if options.sign is not None:
        raise UsageError(f"--sign with --on {options.on}", why, "leave out --sign")


def _run_id(given: str, config: Config) -> str:
    """Return the run's name: as given, or the entry's with the time (UTC)."""
    from pipelines.runners.ledger import check_run_id

    if not given:
        return f"{config.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    check_run_id(given)
    return given


def _site(options: Namespace, config: Config) -> Site:
    """Return where the definition is for: this machine, with the image that its containers run."""
    from pipelines.campaign.site import local_site
    from pipelines.registry.local import check_group

    if options.group is not None:
        check_group(options.group)
    local = local_site(config.name, options.group)
    if options.on == "process":
        return replace(local, signing=_signing(options.sign))
    return with_image(local, options.image)


def _signing(key: Path | None) -> Signing | None:
    if key is None:
        return None
    from pipelines.registry.signatures import signing_with

    return signing_with(key)


def _execute(config: Config, site: Site, built: Built, options: Namespace, run_id: str) -> Execution:
    from pipelines.cli.progress import progress, step_names
    from pipelines.report import write_report
    from pipelines.runners.base import Order

    key = options.sign.resolve() if options.sign else None
    with progress(step_names(built.definition)) as show:
        return runner_on(options.on)(Order(config, site, built, options.out, run_id, show, key, write_report))


def _conclude(execution: Execution, folder: Path) -> int:
    from boomerang.metrics import METRICS_FILE
    from pipelines.campaign.entry import EVALUATE
    from pipelines.report.summary import show_notices, show_summary
    from pipelines.runs.records import PAGE

    page = folder / PAGE
    show_notices(execution)
    failed = execution.failed_step
    if failed not in (None, "Fail"):
        log = folder / "logs" / f"{failed}.log"
        raise StepFailed(f"step {failed} stopped", execution.failure, f"its log: {log}\n  report: {page}")
    show_summary(execution.path(EVALUATE, "evaluation") / METRICS_FILE, page)
    return EXIT_REJECTED if failed else EXIT_PASSED


def _run_on_aws(options: Namespace) -> int:
    """Start the deployed pipeline; with `--wait`, follow it."""
    from aws.account import connect
    from pipelines.campaign.entry import load
    from pipelines.cloud.consent import say
    from pipelines.cloud.deployed import deployed
    from pipelines.cloud.remote import check_name, start

    if options.image:
        do = "deploy another one: deploy --image NAME"
        raise UsageError("--image", "on AWS the deployed image runs", do)
    check_name(options.id)
    config = load(options.config, options.overrides)
    range_ = deployed(connect(options.region), options.project)
    again = entry_command("deploy", options)
    arn = start(range_, config, again=again, name=options.id, cache=definitions(options.out))
    print(arn)
    say(f"follow it: {follow_command(arn, options)}")
    return watch(range_, arn, options) if options.wait else EXIT_PASSED
