"""The dashboard on a laptop: the body that CloudWatch gets, drawn from what local runs measured.

    workspace  a workspace -> data points, as the canary and SageMaker would have published them
    lines      a widget of the body and those points -> the lines that it shows
    states     the alarms of the template, played over those points
    charts     lines -> a drawing
    render     all of it -> one self-contained page
    serve      that page on this machine alone, made anew for every load

What it shares with the report is in `pipelines.page`.

Imports neither TensorFlow nor sagemaker, nor boto3: nothing here asks AWS.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from boomerang.safeio import write_bytes_atomic
from pipelines.watching.dashboard.render import render
from pipelines.watching.dashboard.workspace import History, metric_history

PAGE = "dashboard.html"

__all__ = ["PAGE", "History", "dashboard_page", "metric_history", "write_dashboard"]


def dashboard_page(workspace: Path, *, group: str | None = None, now: datetime | None = None) -> str:
    """Return the page of a workspace: every finished run below it, and the alarms as of `now`.

    Parameters
    ----------
    workspace : Path
        The folder with the runs; where there is none, the page says what to run.
    group : str, optional
        The model package group; that of the newest run where it is not given.
    now : datetime, optional
        With its zone.
    """
    return render(metric_history(workspace, group=group), workspace, now or datetime.now(UTC))


def write_dashboard(workspace: Path, file: Path | None = None, *, group: str | None = None) -> Path:
    """Write the page, in one piece, to `file` or into the workspace, and return where it is."""
    target = file or workspace / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(target, dashboard_page(workspace, group=group).encode())
    return target
