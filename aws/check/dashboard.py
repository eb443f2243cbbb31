"""The dashboard's body as it would be put for this stack."""

from __future__ import annotations

import json

from aws.alarms import read_alarms
from aws.dashboard import check_dashboard, dashboard_body, watched
from aws.stack.intrinsics import Stack
from boomerang.findings import Outcome, Problem


def check_body(stack: Stack) -> Outcome:
    """Build the body and hold it to its form, to the metrics that exist and to the alarms' thresholds."""
    body = dashboard_body(watched(stack))
    found = [
        Problem("dashboard", f"{each.where}: {each.field}", each.what)
        for each in check_dashboard(body, read_alarms(stack.resources))
    ]
    count, size = len(body["widgets"]), len(json.dumps(body))
    return Outcome(
        f"dashboard: {count} widgets, {size:,} characters, every metric and line is there", tuple(found)
    )
