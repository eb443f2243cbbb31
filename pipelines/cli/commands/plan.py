"""`plan`: what a run would do, its steps, where each would run, and whether the cache already has it.

On AWS: what the stack has, and what a run and a month cost at most (`pipelines.cloud.cost_tables`).
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boomerang.errors import EXIT_PASSED, UsageError
from boomerang.shown import display_name
from pipelines.cli.options import Commands, Parser, add_entry, add_out, add_parameter, definitions

if TYPE_CHECKING:
    from boomerang.settings import DataConfig
    from pipelines.campaign.sections import Config
    from pipelines.definition.build import Built
    from pipelines.matrix.campaign import Staged


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "plan",
        help="say what a run would do",
        description="List the steps of a run, on which machines, which are in the cache and why the others "
        "are not; or, with --on aws, the resources of the stack, the most instance-hours of a run and a "
        "month, and what they cost where prices are given. Runs nothing and, but for --prices api, needs no "
        "credentials.",
    )
    command.set_defaults(act=plan)
    command.add_argument(
        "--on",
        choices=("process", "aws"),
        default="process",
        help="process: steps and cache of this machine (default); aws: resources, hours, dollars",
    )
    command.add_argument(
        "--campaign", type=Path, metavar="FILE", help="of a campaign, a TOML file, instead of one entry"
    )
    _add_aws(command)
    add_parameter(command)
    add_entry(command)
    add_out(command)


def _add_aws(command: Parser) -> None:
    command.add_argument(
        "--prices",
        metavar="FILE|api",
        help="with --on aws: a table of prices, or the AWS Price List (docs/costs.md)",
    )
    command.add_argument(
        "--max-usd", type=float, metavar="N", help="with --on aws: refuse a run that may cost more"
    )
    command.add_argument(
        "--region",
        metavar="REGION",
        help="with --on aws: where prices are of (default: AWS_REGION, or us-east-1)",
    )
    command.add_argument("--runs", type=int, metavar="N", help="with --on aws: runs a month (default: 1)")


def plan(options: Namespace) -> int:
    """Print the plan that the command line asks for.

    Parameters
    ----------
    options : Namespace
        `on`, `config`, `overrides`, `out`; for aws `prices`, `max_usd`, `region`, `runs`, `parameters`.

    Raises
    ------
    UsageError
        If an option of AWS is given without `--on aws`, or an option has no such value.
    """
    from pipelines.campaign.entry import load
    from pipelines.campaign.site import local_site
    from pipelines.definition.build import build

    if options.campaign is not None:
        _plan_campaign(options)
        return EXIT_PASSED
    config = load(options.config, options.overrides)
    if options.on == "aws":
        _plan_aws(config, options)
    else:
        _refuse_aws(options)
        site = local_site(config.name)
        _say_past(config.data)
        _say_given(config)
        show_plan(build(config, site, cache=definitions(options.out), keeps=False), options.out)
    show_blind_spots(config)
    return EXIT_PASSED


def _say_past(data: DataConfig) -> None:
    """Print how many rows of the past are set apart, where any are, and how many the attacker may reach."""
    if data.history:
        delivered = f"{data.delivered:,}" if data.train else "the other training rows"
        print(f"{data.history:,} rows of the past, {delivered} delivered")


def _say_given(config: Config) -> None:
    """Print which model is taken as it is, if one is given."""
    if config.given.path:
        name = display_name(Path(config.given.path).name)
        print(f"{name} is the {config.given.role}, taken as it is: nothing is trained for it")


def _plan_campaign(options: Namespace) -> None:
    """Print what a campaign would do."""
    from pipelines.campaign.site import local_site
    from pipelines.matrix.campaign import open_campaign, prepare
    from pipelines.matrix.running.forecast import forecast
    from pipelines.matrix.running.live_table import show_forecast
    from pipelines.matrix.running.ready import Ready
    from pipelines.matrix.running.workers import parallel_jobs

    if options.overrides:
        raise UsageError("--set with --campaign", "a campaign says itself what it sets", "write it there")
    staged = open_campaign(options.campaign, options.out)
    if options.on == "aws":
        _plan_campaign_aws(options, staged)
        return
    _refuse_aws(options)
    cells = prepare(staged, (), local_site(staged.campaign.name), keeps=False)
    jobs = parallel_jobs()
    ready = [each for each in cells if isinstance(each, Ready)]
    show_forecast(staged.campaign, forecast(ready, options.out, jobs), jobs)


def _plan_campaign_aws(options: Namespace, staged: Staged) -> None:
    from pipelines.cloud.consent import say
    from pipelines.cloud.cost_tables import plan_campaign_aws
    from pipelines.matrix.campaign import members_of

    for name in ("runs", "parameters"):
        if getattr(options, name):
            raise UsageError(
                f"--{name.removesuffix('s')} with --campaign", "it is about an entry", "leave it out"
            )
    plan_campaign_aws(
        staged.campaign.name,
        members_of(staged, (), say),
        prices=options.prices or "",
        most_usd=options.max_usd,
        region=options.region or _region(),
    )


def _refuse_aws(options: Namespace) -> None:
    for name in ("prices", "max_usd", "region", "runs", "parameters"):
        if getattr(options, name) not in (None, "", []):
            option = f"--{name.replace('_', '-').removesuffix('s' if name == 'parameters' else '')}"
            raise UsageError(option, "it is about AWS", "add --on aws")


def _plan_aws(config: Config, options: Namespace) -> None:
    from pipelines.cloud.cost_tables import plan_aws

    plan_aws(
        config,
        prices=options.prices or "",
        most_usd=options.max_usd,
        region=options.region or _region(),
        runs=1 if options.runs is None else options.runs,
        parameters=_parameters(options.parameters),
        cache=definitions(options.out),
    )


def _region() -> str:
    from pipelines.campaign.site import LOCAL

    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or LOCAL.region


def _parameters(words: Sequence[str]) -> dict[str, str]:
    """Return `KEY=VALUE` words as parameters of the stack, in agreement with each other."""
    from aws.stack.intrinsics import Stack, load_template
    from aws.stack.parameters import check_together, read_parameters
    from pipelines.campaign.site import LOCAL

    template = load_template()
    given = read_parameters(words, LOCAL.prefix, template)
    check_together(Stack(template, given, {}))
    return given


def show_plan(built: Built, workspace: Path) -> None:
    """Print the plan as a table; nothing is run and nothing is written."""
    from rich.markup import escape
    from rich.table import Table

    from pipelines.language.expressions import parameter_values
    from pipelines.page.terminal import open_console
    from pipelines.runners.process.explain import explain_cache

    cached = {entry.step: entry for entry in explain_cache(built.definition, built.staged, workspace)}
    defaults = parameter_values(built.definition["Parameters"], {})
    table = Table(title="plan")
    for title in ("step", "job", "machine", "cache", "why"):
        table.add_column(title)
    for step in built.definition["Steps"]:
        entry = cached.get(step["Name"])
        hit, why = ("", "") if entry is None else ("hit" if entry.hit else "miss", escape(entry.why))
        table.add_row(step["Name"], step["Type"], machine(step, defaults), hit, why)
    open_console().print(table)


def show_blind_spots(config: Config) -> None:
    """Print what the screen cannot find with the entry's trusted rows, whatever is in the data."""
    from rich.markup import escape

    from pipelines.campaign.entry import cannot_find
    from pipelines.page.terminal import open_console

    console = open_console()
    for title, said in cannot_find(config).items():
        for why in said:
            console.print(escape(f"{title}: {why}"))


def machine(step: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the machines that a job step asks for, as `count x type`; empty for other steps."""
    from pipelines.language.expressions import Scope, resolve

    arguments = step["Arguments"]
    cluster = arguments.get("ProcessingResources", {}).get("ClusterConfig") or arguments.get("ResourceConfig")
    if not cluster:
        return ""
    kind = resolve(cluster["InstanceType"], Scope(defaults, {}, {}, lambda step, name: None))
    spot = ", spot" if arguments.get("EnableManagedSpotTraining") else ""
    return f"{cluster['InstanceCount']} x {kind}{spot}"
