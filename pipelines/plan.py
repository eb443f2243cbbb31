"""What a run would do: its steps, where each would run, and whether the cache already has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from pipelines.build import Built
from pipelines.expressions import Scope, parameter_values, resolve
from pipelines.summary import open_console


def show_plan(built: Built, workspace: Path) -> None:
    """Print the plan as a table; nothing is run and nothing is written but the kept definition."""
    from pipelines.runner import explain_cache

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
