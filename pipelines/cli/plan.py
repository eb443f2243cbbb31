"""What a run would do: its steps, where each would run, and whether the cache already has it.

On AWS: what the stack has, and what a run and a month cost at most (`pipelines.cloud.costs`).
"""

from __future__ import annotations

import math
import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from aws.prices import Machine, Prices, fetch_prices, read_prices
from aws.stack.intrinsics import Stack, load_template
from aws.stack.parameters import check_together, read_parameters
from boomerang.config import Config
from boomerang.errors import UsageError
from pipelines.campaign.settings import load
from pipelines.campaign.site import LOCAL
from pipelines.cloud.costs import AS_ON_AWS, DAYS, Costs, check_limit, costs, hours, total
from pipelines.definition.build import Built, build, build_canary
from pipelines.language.expressions import Scope, parameter_values, resolve
from pipelines.report.summary import open_console

# The source of prices that is no file.
API = "api"


def plan(options: Namespace, cache: Path) -> None:
    """Print the plan that the command line asks for.

    Parameters
    ----------
    options : Namespace
        `on`, `config`, `overrides`, `out`; for aws `prices`, `max_usd`, `region`, `runs`, `parameters`.
    cache : Path
        A folder of definitions by content.

    Raises
    ------
    UsageError
        If an option of AWS is given without `--on aws`, or an option has no such value.
    """
    config = load(options.config, options.overrides)
    if options.on != "aws":
        for name in ("prices", "max_usd", "region", "runs", "parameters"):
            if getattr(options, name) not in (None, "", []):
                option = f"--{name.replace('_', '-').removesuffix('s' if name == 'parameters' else '')}"
                raise UsageError(option, "it is about AWS", "add --on aws")
        show_plan(build(config, cache=cache), options.out)
        return
    plan_aws(
        config,
        prices=options.prices or "",
        most_usd=options.max_usd,
        region=options.region or _region(),
        runs=1 if options.runs is None else options.runs,
        parameters=_parameters(options.parameters),
        cache=cache,
    )


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or LOCAL.region


def _parameters(words: Sequence[str]) -> dict[str, str]:
    """Return `KEY=VALUE` words as parameters of the stack, in agreement with each other."""
    template = load_template()
    given = read_parameters(words, LOCAL.prefix, template)
    check_together(Stack(template, given, {}))
    return given


def show_plan(built: Built, workspace: Path) -> None:
    """Print the plan as a table; nothing is run and nothing is written but the kept definition."""
    from pipelines.runners.process.runner import explain_cache

    cached = {entry.step: entry for entry in explain_cache(built.definition, built.staged, workspace)}
    defaults = parameter_values(built.definition["Parameters"], {})
    table = Table(title="plan")
    for title in ("step", "job", "machine", "cache", "why"):
        table.add_column(title)
    for step in built.definition["Steps"]:
        entry = cached.get(step["Name"])
        hit = "" if entry is None else "hit" if entry.hit else "miss"
        table.add_row(
            step["Name"],
            step["Type"],
            machine(step, defaults),
            hit,
            "" if entry is None else escape(entry.why),
        )
    open_console().print(table)


def machine(step: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the machines that a job step asks for, as `count x type`; empty for other steps."""
    arguments = step["Arguments"]
    cluster = arguments.get("ProcessingResources", {}).get("ClusterConfig") or arguments.get("ResourceConfig")
    if not cluster:
        return ""
    kind = resolve(cluster["InstanceType"], Scope(defaults, {}, {}, lambda step, name: None))
    spot = ", spot" if arguments.get("EnableManagedSpotTraining") else ""
    return f"{cluster['InstanceCount']} x {kind}{spot}"


def plan_aws(
    config: Config,
    *,
    prices: str = "",
    most_usd: float | None = None,
    region: str = LOCAL.region,
    runs: int = 1,
    parameters: Mapping[str, str] | None = None,
    cache: Path | None = None,
) -> None:
    """Print what the stack, a run and a month use and cost at most; nothing is made.

    Parameters
    ----------
    config : Config
        Of the campaign entry.
    prices : str, optional
        `api` for the AWS Price List, or the path of a table; without, no dollars are shown.
    most_usd : float, optional
        Refuse a run that may cost more.
    region : str
        Where the prices are of.
    runs : int
        Runs a month.
    parameters : mapping of str to str, optional
        Of the stack, where they differ from the template's defaults.
    cache : Path, optional
        A folder of definitions by content, see `build`.

    Raises
    ------
    UsageError
        If `runs` or `most_usd` is negative.
    ConfigError
        If the bound of a run exceeds `most_usd`, or a price that it needs is not known.
    AwsError
        If the price list cannot be asked, or has several prices for one machine.
    """
    if runs < 0:
        raise UsageError("--runs", f"{runs} is less than none", "give how many runs a month has")
    if most_usd is not None and not 0 <= most_usd < math.inf:
        raise UsageError("--max-usd", f"{most_usd:g} is no amount", "give dollars, 0 or more")
    site = replace(AS_ON_AWS, region=region)
    without = costs(
        build(config, site, cache=cache).definition,
        build_canary(site, config.jobs),
        runs=runs,
        parameters=parameters or {},
    )
    found = without.priced(_prices(prices, without.machines, region))
    show_costs(found)
    if most_usd is not None:
        check_limit(found, most_usd)


def _prices(source: str, machines: Iterable[Machine], region: str) -> Prices:
    if not source:
        return Prices()
    return fetch_prices(machines, region) if source == API else read_prices(Path(source))


def show_costs(of: Costs) -> None:
    """Print costs as tables, and what is not in them."""
    console = open_console()
    made = sum(of.resources.values())
    console.print(f"stack: {made} resources in all", markup=False)
    for kind, count in of.resources.items():
        console.print(f"  {count:3} x {kind}", markup=False)
    console.print(_run_table(of))
    console.print(_month_table(of))
    for line in _notes(of):
        console.print(line, markup=False, soft_wrap=True)


def _run_table(of: Costs) -> Table:
    table = Table(title="one run, at most")
    for title in ("step", "job", "machines"):
        table.add_column(title)
    for title in ("time limit", "instance-hours", "USD"):
        table.add_column(title, justify="right")
    for each in of.run:
        kind = f"{each.count} x {each.instance}{', spot' if each.spot else ''}"
        limit = f"{each.limit_s / 3600:.2f} h" + (
            f" + {each.warm_s / 3600:.2f} h warm" if each.warm_s else ""
        )
        table.add_row(each.step, each.kind, kind, limit, f"{each.hours:.2f}", _usd(each.usd))
    table.add_section()
    table.add_row("all", "", "", "", f"{hours(of.run):.2f}", _usd(of.run_usd))
    return table


def _month_table(of: Costs) -> Table:
    table = Table(title=f"a month of {DAYS} days, at most")
    table.add_column("what")
    for title in ("times", "instance-hours", "USD"):
        table.add_column(title, justify="right")
    for name, times, jobs in (("runs", of.runs, of.run), (f"canary, {of.schedule}", of.canaries, of.canary)):
        once = total(jobs)
        table.add_row(
            name, str(times), f"{times * hours(jobs):.2f}", _usd(None if once is None else times * once)
        )
    for each in of.fixed:
        table.add_row(each.key.replace("_", " "), str(each.count), "", _usd(each.usd))
    table.add_section()
    all_hours = of.runs * hours(of.run) + of.canaries * hours(of.canary)
    table.add_row("all", "", f"{all_hours:.2f}", _usd(of.month_usd))
    return table


def _usd(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"


def _notes(of: Costs) -> Iterator[str]:
    if of.source:
        yield f"prices: {of.source}"
    else:
        yield "dollars are not known: give --prices FILE, or --prices api to ask the AWS Price List"
    unknown = sorted({f"{instance} ({kind})" for kind, instance in of.machines - _known(of)})
    if of.source and unknown:
        yield f"no price is known of {', '.join(unknown)}"
    if any(each.spot for each in (*of.run, *of.canary)):
        yield "spot: a bound at the price on demand; a job on spot costs less"
    yield "not counted: disks, storage, requests, logs, metrics, traffic, jobs that SageMaker starts again"


def _known(of: Costs) -> set[Machine]:
    return {each.machine for each in (*of.run, *of.canary) if each.usd is not None}
