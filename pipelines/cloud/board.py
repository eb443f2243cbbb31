"""The dashboard of a deployed range: its body is made from what is there, and put where it is another.

It names the newest package, so it is made again after one was registered or decided on.
"""

from __future__ import annotations

import json
from typing import Any

from aws.alarms import read_alarms
from aws.dashboard import Newest, check_dashboard, dashboard_body, watched
from aws.stack.intrinsics import Stack
from aws.stack.live import Say
from boomerang.errors import BadInput
from pipelines.cloud.deployed import Range


def put_dashboard(range_: Range, say: Say) -> bool:
    """Put the dashboard of a range where it is not there yet or says something else.

    Returns
    -------
    bool
        Whether it was put.

    Raises
    ------
    BadInput
        If the body has mistakes.
    AwsError
        If AWS refuses.
    """
    body, account = _body(range_), range_.account
    there = account.dashboard(range_.project)
    if there is not None and json.loads(there) == body:
        say(f"dashboard {range_.project}: as it should be")
        return False
    for odd in account.put_dashboard(range_.project, json.dumps(body)):
        say(f"dashboard {range_.project}: {odd.get('DataPath', '')}: {odd.get('Message', '')}")
    return True


def _body(range_: Range) -> dict[str, Any]:
    """Return the dashboard's body for the range, with its newest package."""
    resolved: Stack = range_.resolved
    body = dashboard_body(watched(resolved, range_.stack.where, _newest(range_)))
    if findings := check_dashboard(body, read_alarms(resolved.resources)):
        raise BadInput("the dashboard", "; ".join(map(str, findings)), "see docs/dashboard.md")
    return body


def _newest(range_: Range) -> Newest | None:
    for package in range_.account.newest_packages(range_.stack.outputs["PackageGroupName"], 1):
        known = range_.account.package(package["ModelPackageArn"])
        return Newest(
            version=package["ModelPackageVersion"],
            status=package.get("ModelApprovalStatus", "without a status"),
            created=f"{package['CreationTime']:%Y-%m-%dT%H:%M:%SZ}",
            why=known.get("ApprovalDescription", ""),
        )
    return None
