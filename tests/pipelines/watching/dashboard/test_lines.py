"""What a graph of the body shows of local runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.workspaces import NOW, canary

from aws.alarms.alarm import Metric
from pipelines.watching.dashboard import metric_history
from pipelines.watching.dashboard.lines import lines_of
from pipelines.watching.dashboard.render import local_body
from pipelines.watching.dashboard.workspace import Sample


def test_the_baseline_is_the_measured_accuracy_plus_the_drop(watched: Path) -> None:
    history = metric_history(watched)
    widget = next(w for w in local_body(history)["widgets"] if "registered baseline" in str(w))
    lines = {
        line.label: line.samples for line in lines_of(widget["properties"], history.samples("boomerang"))
    }
    assert set(lines) == {"canary records", "held-out test set", "registered baseline"}
    canaries = [sample.value for sample in lines["registered baseline"] if sample.run == "canary"]
    assert canaries == pytest.approx([1.0, 1.0, 1.0])


def test_durations_are_minutes(workspace: Path) -> None:
    history = metric_history(workspace)
    widget = next(w for w in local_body(history)["widgets"] if "pipelines, minutes" in str(w))
    (line,) = lines_of(widget["properties"], history.samples("boomerang"))
    assert line.label == "boomerang"
    assert line.samples[0].value == pytest.approx(history.runs[0].seconds / 60)
    steps = next(w for w in local_body(history)["widgets"] if "steps, minutes" in str(w))
    found = {
        line.label: line.samples[0].value
        for line in lines_of(steps["properties"], history.samples("boomerang"))
    }
    assert found["Harden"] == pytest.approx(38.2 / 60)


def test_versions_stand_in_the_order_of_their_numbers() -> None:
    body = local_body(metric_history(Path("nowhere")))
    widget = next(w for w in body["widgets"] if w["properties"].get("title") == "Canary accuracy by version")
    at = [canary("boomerang", version, NOW, 0.9) for version in (10, 9)]
    samples: dict[Metric, list[Sample]] = {}
    for datum in (datum for data in at for datum in data):
        samples.setdefault(Metric("Boomerang", datum.name, datum.dimensions), []).append(
            Sample(datum.time, datum.value, "canary")
        )
    lines = lines_of(widget["properties"], samples)
    assert [line.label for line in lines] == ["version 9", "version 10"]
