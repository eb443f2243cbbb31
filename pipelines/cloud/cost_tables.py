"""What a run and a month cost at most, as tables: hours always, dollars where prices are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aws.prices import Machine, Prices, fetch_prices, read_prices
from boomerang.errors import UsageError
from pipelines.campaign.member import Member
from pipelines.campaign.sections import Config, JobsConfig
from pipelines.campaign.site import LOCAL
from pipelines.cloud.costs import AS_ON_AWS, DAYS, Costs, check_limit, costs, hours, total
from pipelines.definition.build import build, build_campaign, build_canary
from pipelines.page.terminal import open_console

# The source of prices that is no file.
API = "api"


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
    prices : str, optional
        `api` for the AWS Price List, or the path of a table; without, no dollars are shown.
    most_usd : float, optional
        Refuse a run that may cost more.
    region, runs : str, int
        Where the prices are of; runs a month.
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

    def draw() -> Costs:
        return _costs(config, region, runs, parameters or {}, cache)

    _plan(draw, show_costs, prices, most_usd, region)


def plan_campaign_aws(
    name: str,
    members: Sequence[Member],
    *,
    prices: str = "",
    most_usd: float | None = None,
    region: str = LOCAL.region,
) -> None:
    """Print what a campaign uses and costs at most, each job that cells share once; nothing is made.

    Parameters
    ----------
    name : str
        The campaign's.
    members : sequence of Member
        Its cells.
    prices, most_usd, region
        As of `plan_aws`.

    Raises
    ------
    UsageError, ConfigError, AwsError
        As `plan_aws` does; ConfigError also if the members cannot be one pipeline.
    """

    def draw() -> Costs:
        site = replace(AS_ON_AWS, region=region)
        canary = build_canary(site, members[0].config.jobs if members else JobsConfig())
        return costs(build_campaign(name, members, site).definition, canary, parameters={})

    def show(of: Costs) -> None:
        console = open_console()
        console.print(f"campaign {name}: {len(members)} cells", markup=False)
        console.print(_run_table(of, "one campaign, at most"))
        _print_notes(console, of)

    _plan(draw, show, prices, most_usd, region)


def _plan(
    draw: Callable[[], Costs],
    show: Callable[[Costs], None],
    prices: str,
    most_usd: float | None,
    region: str,
) -> None:
    """Show costs with the prices that are asked for, and hold a run against the limit."""
    if most_usd is not None and not 0 <= most_usd < math.inf:
        raise UsageError("--max-usd", f"{most_usd:g} is no amount", "give dollars, 0 or more")
    table = read_prices(Path(prices)) if prices not in ("", API) else Prices()  # before anything is drawn
    found = draw()
    priced = found.priced(fetch_prices(found.machines, region) if prices == API else table)
    show(priced)
    if most_usd is not None:
        check_limit(priced, most_usd)


def _costs(
    config: Config, region: str, runs: int, parameters: Mapping[str, str], cache: Path | None
) -> Costs:
    site = replace(AS_ON_AWS, region=region)
    definition = build(config, site, cache=cache, keeps=False).definition
    return costs(definition, build_canary(site, config.jobs), runs=runs, parameters=parameters)


def show_costs(of: Costs) -> None:
    """Print costs as tables, and what is not in them."""
    console = open_console()
    made = sum(of.resources.values())
    console.print(f"stack: {made} resources in all", markup=False)
    for kind, count in of.resources.items():
        console.print(f"  {count:3} x {kind}", markup=False)
    console.print(_run_table(of, "one run, at most"))
    console.print(_month_table(of))
    _print_notes(console, of)


def _print_notes(console: Console, of: Costs) -> None:
    for line in _notes(of):
        console.print(line, markup=False, soft_wrap=True)


def _run_table(of: Costs, title: str) -> Table:
    table = Table(title=title)
    for column in ("step", "job", "machines"):
        table.add_column(column)
    for column in ("time limit", "instance-hours", "USD"):
        table.add_column(column, justify="right")
    for each in of.run:
        kind = f"{each.count} x {each.instance}{', spot' if each.spot else ''}"
        limit = f"{each.limit_s / 3600:.2f} h" + (
            f" + {each.warm_s / 3600:.2f} h warm" if each.warm_s else ""
        )
        step = each.step if each.times == 1 else f"{each.times} x {each.step}"
        table.add_row(step, each.kind, kind, limit, f"{each.hours:.2f}", _usd(each.usd))
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
