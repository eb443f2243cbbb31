"""What a person decides on a model package of SageMaker's registry: that it may be used, or may not.

The rules are those of `boomerang.watching.approval`, the role is `ApproverRole` of the stack. SageMaker
keeps no history of a package: its description says who decided last and why, CloudTrail who did before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws.client import Client
from aws.jobs.package import registered_metrics, said_of
from aws.reject.handler import REJECTED_AT
from boomerang.errors import BadInput
from boomerang.gate import BY_KEY, GATE, Verdict, gate_numbers, plain, property_name
from boomerang.metrics import METRICS_FILE, Metrics
from boomerang.watching.approval import (
    APPROVED,
    REJECTED,
    check_approval,
    check_rejection,
    package_name,
    rejection,
    say_verdict,
)

# Limits of UpdateModelPackage.
MAX_DESCRIPTION, MAX_PROPERTIES = 1024, 50


@dataclass(frozen=True)
class Candidate:
    """A model package as the registry has it.

    Attributes
    ----------
    name : str
        `group/version`.
    arn : str
    facts : dict
        What DescribeModelPackage says.
    """

    name: str
    arn: str
    facts: dict[str, Any]

    @property
    def status(self) -> str:
        """The approval status."""
        return str(self.facts["ModelApprovalStatus"])

    @property
    def said(self) -> dict[str, str]:
        """What it says of itself: its customer metadata."""
        return said_of(self.facts)

    @property
    def why(self) -> str:
        """Who decided last, and why; empty if nobody did."""
        return str(self.facts.get("ApprovalDescription") or "")


Changed = Callable[[Candidate], None]


def find(client: Client, name: str) -> Candidate:
    """Return the package `group/version`.

    Raises
    ------
    UsageError
        If that is no name of one.
    BadInput
        If there is no such package.
    """
    group, version = package_name(name)
    arn = client.package_arn(group, version)
    if arn is None:
        raise BadInput(
            f"package {name}", "it does not exist in this region", "give another version or region"
        )
    return Candidate(name, arn, client.package(arn))


def approve(
    client: Client,
    name: str,
    *,
    by: str,
    reason: str = "",
    override: bool = False,
    tell: Callable[[str], None] | None = None,
    changed: Changed | None = None,
) -> Candidate:
    """Approve a package; one that is Approved already stays as it is.

    Parameters
    ----------
    client : Client
    name : str
        `group/version`.
    by, reason : str
        Who says so, and why.
    override : bool
        Approve it although it was rejected before; needs a reason.
    tell : callable, optional
        Told the data, the gate's numbers with their limits and the verdict, a line each, before.
    changed : callable, optional
        Told of the package when its status has changed. What it raises undoes nothing.

    Raises
    ------
    BadInput
        If there is no such package, or it was rejected before.
    IntegrityError
        If its metrics are not what was registered.
    AwsError
        If AWS refuses a call.
    """
    package = find(client, name)
    metrics = _metrics(client, package)
    if package.status == APPROVED:
        return package
    check_approval(name, _rejection(package, metrics.verdict), reason=reason, override=override)
    if tell:
        for line in say_verdict(metrics):
            tell(line)
    kept = {key: value for key, value in package.said.items() if key != REJECTED_AT}
    gone = [REJECTED_AT] if REJECTED_AT in package.said else []
    client.decide(package.arn, APPROVED, _line("Approved", by, reason), kept, gone)
    return _after(client, package, changed)


def reject(client: Client, name: str, *, by: str, reason: str, changed: Changed | None = None) -> Candidate:
    """Reject a package; one that is Rejected already stays as it is.

    One that was in service gets `RejectedAt`, from which the alarm's function counts how long the package
    before has been the watched one. One that was never in service does not: it has held up no other.

    Raises
    ------
    UsageError
        If no reason is given.
    BadInput
        If there is no such package.
    AwsError
        If AWS refuses a call.
    """
    check_rejection(reason)
    package = find(client, name)
    if package.status == REJECTED:
        return package
    properties = package.said
    # One that is full of properties is rejected all the same.
    if package.status == APPROVED and len(properties.keys() | {REJECTED_AT}) <= MAX_PROPERTIES:
        properties |= {REJECTED_AT: datetime.now(UTC).isoformat()}
    client.decide(package.arn, REJECTED, _line("Rejected", by, reason), properties)
    return _after(client, package, changed)


def _differing(said: dict[str, str], verdict: Verdict) -> str:
    """Return in what a package's record and its verdict differ; empty if in nothing.

    The record is what a call of the registry's may have changed since; the metrics are held against the
    digests that it was registered with.
    """
    numbers = gate_numbers(verdict)
    limits = {BY_KEY[check.key].parameter: check.limit for check in verdict.checks}
    wanted = {property_name(rule.key): numbers[rule.key] for rule in GATE} | limits
    return plain([key for key, value in wanted.items() if key in said and _number(said[key]) != value])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _metrics(client: Client, package: Candidate) -> Metrics:
    with TemporaryDirectory() as folder:
        return registered_metrics(package.facts, Path(folder) / METRICS_FILE, client)


def _rejection(package: Candidate, verdict: Verdict) -> str:
    """Return who rejected a package, and why; empty if nobody did."""
    if differing := _differing(package.said, verdict):
        return f"its record says otherwise than the metrics that it was registered with: {differing}"
    if package.status != REJECTED and REJECTED_AT not in package.said:
        return rejection(verdict)
    return package.why or rejection(verdict) or "it is rejected, and nothing says why"


def _line(verdict: str, by: str, reason: str) -> str:
    said = f"{verdict} by {by}: {reason}" if reason.strip() else f"{verdict} by {by}"
    return " ".join(said.split())[:MAX_DESCRIPTION]


def _after(client: Client, package: Candidate, changed: Changed | None) -> Candidate:
    now = Candidate(package.name, package.arn, client.package(package.arn))
    if changed:
        changed(now)
    return now
