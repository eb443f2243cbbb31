"""What a run and a month cost at most: instance-hours by the jobs' own time limits, dollars by given prices.

A job cannot run longer than its limit, so machines x limit is a bound, and the only thing that can be said
before it has run: how long a step takes on a laptop says nothing of another machine. On spot a job costs
less; the bound takes the price on demand. docs/costs.md says what is not in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws.check.schedule import read_schedule
from aws.check.stacks import whole_stack
from aws.prices import Machine, Prices
from aws.stack.intrinsics import Stack, load_template
from aws.stack.parameters import value_of
from boomerang.errors import ConfigError
from pipelines.campaign.site import LOCAL, Signing, Site
from pipelines.language.expressions import Scope, parameter_values, resolve
from pipelines.language.for_each import child_of
from pipelines.language.graph import JOBS, Node, flatten

# The longest month; a bound is of it.
DAYS = 31
# Signed as on AWS, so the steps that sign are there; the names of the account do not matter to the bound.
AS_ON_AWS: Site = replace(LOCAL, signing=Signing(LOCAL.kms_key, "AAAA"))

# What is paid for by the month, whether anything runs or not: the table's key, and its type in the template.
_FIXED = {
    "kms_key": "AWS::KMS::Key",
    "alarm": "AWS::CloudWatch::Alarm",
    "composite_alarm": "AWS::CloudWatch::CompositeAlarm",
}
_DASHBOARDS = 1  # put beside the stack; docs/aws.md says why


@dataclass(frozen=True)
class Bound:
    """The most that one job can use.

    Attributes
    ----------
    step, kind, instance : str
        `kind` is `Processing` or `Training`.
    count : int
        Machines.
    limit_s, warm_s : int
        How long the job may run, and how long its machines are kept afterwards.
    spot : bool
    usd_per_hour : float or None
        The price on demand of one machine, where it is known.
    times : int
        How many such jobs there are, as for the items of a campaign.
    """

    step: str
    kind: str
    instance: str
    count: int
    limit_s: int
    warm_s: int = 0
    spot: bool = False
    usd_per_hour: float | None = None
    times: int = 1

    @property
    def hours(self) -> float:
        """Instance-hours at most."""
        return self.times * self.count * (self.limit_s + self.warm_s) / 3600

    @property
    def usd(self) -> float | None:
        """Dollars at most, where the price is known."""
        return None if self.usd_per_hour is None else self.hours * self.usd_per_hour

    @property
    def machine(self) -> Machine:
        """What has a price."""
        return self.kind, self.instance


@dataclass(frozen=True)
class Fixed:
    """What is paid for by the month: `key` is that of a table of prices."""

    key: str
    count: int
    usd_each: float | None = None

    @property
    def usd(self) -> float | None:
        """Dollars a month, where the price is known."""
        return None if self.usd_each is None else self.count * self.usd_each


@dataclass(frozen=True)
class Costs:
    """What a campaign entry and the watch over its model cost at most.

    Attributes
    ----------
    resources : mapping of str to int
        What the complete stack has, by type.
    run, canary : tuple of Bound
        The jobs of one run, and of one canary.
    runs, canaries : int
        How many of each a month of 31 days has at most.
    schedule : str
        When the canary comes.
    fixed : tuple of Fixed
    source : str
        Where the prices are from; empty without any.
    """

    resources: Mapping[str, int]
    run: tuple[Bound, ...]
    canary: tuple[Bound, ...]
    runs: int
    canaries: int
    schedule: str
    fixed: tuple[Fixed, ...]
    source: str = ""

    @property
    def machines(self) -> set[Machine]:
        """Every machine whose price is needed."""
        return {bound.machine for bound in (*self.run, *self.canary)}

    @property
    def run_usd(self) -> float | None:
        """Dollars of one run at most; None where a price is not known."""
        return total(self.run)

    @property
    def month_usd(self) -> float | None:
        """Dollars of a month at most; None where a price is not known."""
        parts = self.run_usd, total(self.canary), total(self.fixed)
        if None in parts:
            return None
        run, canary, fixed = (part or 0.0 for part in parts)
        return self.runs * run + self.canaries * canary + fixed

    def priced(self, prices: Prices) -> Costs:
        """Return the same with prices."""
        month = prices.month.model_dump()
        return replace(
            self,
            run=tuple(_priced(bound, prices) for bound in self.run),
            canary=tuple(_priced(bound, prices) for bound in self.canary),
            fixed=tuple(replace(each, usd_each=month[each.key]) for each in self.fixed),
            source=prices.source,
        )


def _priced(bound: Bound, prices: Prices) -> Bound:
    return replace(bound, usd_per_hour=prices.hourly.get(bound.machine))


def total(parts: Sequence[Bound] | Sequence[Fixed]) -> float | None:
    """Return the dollars of several parts, or None if one of them is not known."""
    known = [part.usd for part in parts if part.usd is not None]
    return sum(known) if len(known) == len(parts) else None


def hours(bounds: Sequence[Bound]) -> float:
    """Return the instance-hours of several jobs."""
    return sum(bound.hours for bound in bounds)


def costs(
    run: Mapping[str, Any], canary: Mapping[str, Any], *, runs: int = 1, parameters: Mapping[str, str]
) -> Costs:
    """Return what can be said without prices.

    Parameters
    ----------
    run, canary : mapping
        The definitions of the two pipelines.
    runs : int
        Runs a month.
    parameters : mapping of str to str
        Of the stack, where they differ from the template's defaults.

    Raises
    ------
    BadInput
        If the canary's schedule cannot be read.
    """
    template = load_template()
    stack = whole_stack(template, parameters)
    schedule = value_of(stack, "CanarySchedule")
    made = Counter(entry["Type"] for entry in _without_network(stack, parameters).resources.values())
    return Costs(
        resources=dict(sorted(made.items())),
        run=bounds(run),
        canary=bounds(canary),
        runs=runs,
        canaries=read_schedule(schedule).most_runs(DAYS),
        schedule=schedule,
        fixed=(*(Fixed(key, made[kind]) for key, kind in _FIXED.items()), Fixed("dashboard", _DASHBOARDS)),
    )


def _without_network(stack: Stack, parameters: Mapping[str, str]) -> Stack:
    """Return the complete stack without the VPC and the address that nobody has given."""
    given = {name: parameters.get(name, "") for name in ("VpcId", "SubnetIds", "SecurityGroupIds")}
    email = {"NotificationEmail": parameters.get("NotificationEmail", "")}
    return Stack(stack.template, {**stack.parameters, **given, **email}, stack.known)


def bounds(definition: Mapping[str, Any]) -> tuple[Bound, ...]:
    """Return the bound of each job of a pipeline, in the definition's order; jobs that are alike as one.

    Raises
    ------
    ConfigError
        If a job has no time limit: then there is no bound.
    """
    defaults = parameter_values(definition.get("Parameters", []), {})
    scope = Scope(defaults, {}, {}, lambda step, name: None)
    alike = Counter(_bound(node, scope) for node in flatten(definition["Steps"]) if node.kind in JOBS)
    return tuple(replace(bound, times=times) for bound, times in alike.items())


def _bound(node: Node, scope: Scope) -> Bound:
    arguments = node.arguments
    cluster = arguments.get("ProcessingResources", {}).get("ClusterConfig") or arguments["ResourceConfig"]
    limit = arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    if limit is None:
        why = "it has no MaxRuntimeInSeconds, so nothing bounds what it costs"
        raise ConfigError(f"step {node.name}", why, "set jobs.timeout_s")
    return Bound(
        step=child_of(node.body) if node.body else node.name,
        kind=node.kind,
        instance=str(resolve(cluster["InstanceType"], scope)),
        count=int(resolve(cluster["InstanceCount"], scope)),
        limit_s=int(resolve(limit, scope)),
        warm_s=int(cluster.get("KeepAlivePeriodInSeconds") or 0),
        spot=bool(arguments.get("EnableManagedSpotTraining")),
    )


def check_limit(of: Costs, most_usd: float) -> None:
    """Refuse a run that may cost more than it should.

    Raises
    ------
    ConfigError
        If the bound of one run exceeds the limit, with what costs most; or a price is not known.
    """
    unknown = sorted({bound.instance for bound in of.run if bound.usd is None})
    if unknown:
        why = f"the price of {', '.join(unknown)} is not known"
        raise ConfigError(f"--max-usd {most_usd:g}", why, "give it: --prices FILE, or --prices api")
    if (bound_usd := of.run_usd or 0.0) <= most_usd:
        return
    worst = max(of.run, key=lambda bound: bound.usd or 0.0)
    machines = f"{worst.times * worst.count} x {worst.instance}"
    length = (worst.limit_s + worst.warm_s) / 3600
    most = f"{worst.step} most: {machines} for {length:g} h, {worst.usd:.2f} USD"
    do = "lower jobs.timeout_s, or choose smaller machines"
    raise ConfigError(f"--max-usd {most_usd:g}", f"a run may cost {bound_usd:.2f} USD; {most}", do)
