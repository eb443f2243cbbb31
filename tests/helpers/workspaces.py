"""A workspace with runs and canaries, as the dashboard reads it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from boomerang.safeio import load_json
from boomerang.watching.metric_names import Datum, part, published
from helpers.report_fixture import build_run
from helpers.scenes import CLASSES, Scene
from pipelines.registry.local import Registry
from pipelines.runs.records import load_execution

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"
SCENES = {
    "first": Scene(hardened_asr=0.4, hardened_accuracy=0.8),
    "second": Scene(),
    "third": Scene(classes=(HOSTILE, '"><img src=x onerror=alert(2)>', "a\u202eb", *CLASSES[3:])),
}
DAMAGED = ("cut", "running", "stopped", "odd", "endless", "timeless")


def end(folder: Path, ended: datetime | None, **changes: str) -> None:
    """Give a run its end."""
    said = ended.isoformat() if ended else "soon"
    replace(load_execution(folder), ended=said, **changes).save()  # type: ignore[arg-type]


def register(workspace: Path, run: str, group: str = "boomerang", status: str = "Rejected") -> None:
    metrics = workspace / run / "Evaluate" / "evaluation" / "metrics.json"
    Registry(workspace / "registry").register(
        group, metrics, status=status, run=run, step="Register", metrics=metrics
    )


def canary(group: str, version: int, at: datetime, accuracy: float) -> list[Datum]:
    """Return what one canary publishes."""
    values = {
        "CanaryAccuracy": accuracy,
        "AccuracyDrop": 1 - accuracy,
        "AttackSuccessRate": 0.02,
        "CanaryRan": 1.0,
    }
    whole = [
        d for name, v in values.items() for d in published(name, v, at, group=group, version=str(version))
    ]
    return [*whole, part("CanaryAccuracy", accuracy, at, group=group, class_="bird")]


def build_workspace(folder: Path) -> Path:
    """Make three finished runs, and folders that are no finished run."""
    for day, (name, scene) in enumerate(SCENES.items()):
        end(build_run(folder / name, scene), NOW - timedelta(days=3 - day))
        register(folder, name)
    Registry(folder / "registry").set_status("boomerang", 3, "Rejected", by="ann", reason=f"**{HOSTILE}**")
    end(build_run(folder / "stopped", Scene(stop="TrainVictim")), NOW)
    for name in ("cut", "running", "odd", "endless", "timeless"):
        shutil.copytree(folder / "first", folder / name)
    (folder / "cut" / "execution.json").write_text('{"format": 1, "steps": [')
    end(folder / "running", NOW, status="Running")
    end(folder / "timeless", None)
    record = load_json(folder / "odd" / "execution.json")
    (folder / "odd" / "execution.json").write_text(json.dumps(record | {"seconds": ["many"]}))
    (folder / "endless" / "execution.json").write_text(json.dumps(record | {"seconds": 1e999}))
    (folder / "notes").mkdir()
    return folder
