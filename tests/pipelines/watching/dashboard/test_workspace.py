"""What is read from a workspace, and what is said of the rest."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.report_fixture import build_run
from helpers.scenes import CLASSES, Scene
from helpers.workspaces import DAMAGED, NOW, canary, end

from aws.alarms.alarm import Metric
from boomerang.safeio import load_json
from boomerang.watching.history import append_history
from pipelines.watching.dashboard import dashboard_page, metric_history
from pipelines.watching.dashboard.render import local_stack


def test_a_run_becomes_the_candidates_numbers_at_its_end(workspace: Path) -> None:
    history = metric_history(workspace)
    assert [(run.run_id, run.package and run.package.version) for run in history.runs] == [
        ("first", 1), ("second", 2), ("third", 3)
    ]  # fmt: skip
    run = history.runs[1]
    model = load_json(workspace / "second" / "Evaluate" / "evaluation" / "metrics.json")["models"]["hardened"]
    group = ("Group", "boomerang")
    values = {(datum.name, datum.dimensions): datum.value for datum in run.data}
    assert {datum.time for datum in run.data} == {NOW - timedelta(days=2)}
    assert values["CleanAccuracy", (group,)] == model["clean_accuracy"]["value"]
    assert values["CleanAccuracy", (group, ("Version", "2"))] == model["clean_accuracy"]["value"]
    rates = {attack["name"]: attack["asr"]["value"] for attack in model["attacks"]}
    assert values["AttackSuccessRate", (group,)] == max(rates.values())
    for name, rate in rates.items():
        assert values["AttackSuccessRate", (group, ("Trigger", name))] == rate
    for name in CLASSES:
        assert values["CanaryAccuracy", (("Class", name), group)] == 1.0
    assert ("CanaryRan", (group,)) not in values, "a run is no canary"


def test_what_cannot_be_drawn_is_said(workspace: Path) -> None:
    remarks = {remark.name: remark.why for remark in metric_history(workspace).remarks}
    assert set(remarks) == {*DAMAGED, "third"}
    assert "has not ended" in remarks["running"]
    assert "stopped at TrainVictim" in remarks["stopped"]
    assert "cannot be read" in remarks["cut"]
    assert "is no time" in remarks["timeless"]
    assert "one of its numbers" in remarks["third"]  # CloudWatch takes no name with a control character


def test_a_damaged_registry_leaves_the_runs(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(workspace, folder)
    (folder / "registry" / "boomerang" / "1" / "status.json").write_text("[{}]")
    (folder / "registry" / "boomerang" / "9x").mkdir()
    history = metric_history(folder)
    assert {"package boomerang/1", "package boomerang/9x"} <= {remark.name for remark in history.remarks}
    assert len(history.runs) == 3


def test_a_canary_takes_the_place_of_the_runs_where_it_measures_the_same(watched: Path) -> None:
    samples = metric_history(watched).samples("boomerang")
    group = ("Group", "boomerang")

    def runs(name: str, *dimensions: tuple[str, str]) -> set[str]:
        return {sample.run for sample in samples[Metric("Boomerang", name, dimensions)]}

    assert runs("CanaryAccuracy", group) == {"canary"}
    assert runs("CanaryAccuracy", group, ("Version", "2")) == {"canary", "second"}
    assert runs("CleanAccuracy", group) == {"first", "second", "third"}


def test_canaries_are_read_and_a_bad_line_is_said(watched: Path) -> None:
    with (watched / "metrics.jsonl").open("a") as stream:
        stream.write('{"name": "CanaryRan"}\n' + "[" * 100_000 + "\n")
    history = metric_history(watched)
    assert history.canaries_ran == 3
    assert history.judged == history.canaries
    said = {remark.name for remark in history.remarks}
    assert {"metrics.jsonl, line 28", "metrics.jsonl, line 29"} <= said


def test_groups_are_kept_apart(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(workspace, folder)
    append_history(folder / "metrics.jsonl", canary("fish", 1, NOW, 0.9))
    assert metric_history(folder).group == "fish"
    assert metric_history(folder).others == ("boomerang",)
    assert metric_history(folder).runs == ()
    assert len(metric_history(folder, group="boomerang").runs) == 3
    assert local_stack("fish").resources["AttackAlarm"]["Properties"]["Dimensions"][0]["Value"] == "fish"


def test_a_run_that_was_rejected_says_why_and_what_was_not_measured(tmp_path: Path) -> None:
    end(build_run(tmp_path / "silent", Scene(unanswered=2)), NOW - timedelta(hours=1))
    history = metric_history(tmp_path)
    assert "canaries answered wrong: not measured (2 answers are" in "; ".join(history.runs[0].rejected)
    assert [(remark.name, remark.why) for remark in history.remarks] == [
        ("silent", "not measured: the success rate of boomerangs, cyan-square")
    ]
    page = dashboard_page(tmp_path, now=NOW)
    assert "upper 95% bound of the attack success rate: not measured" in page
    assert "1e+09" not in page and "1000000000" not in page


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seconds", 1e300),
        ("seconds", -1.0),
        ("seconds", 10**400),
        ("ended", "0001-01-01T00:00:00+23:00"),
        ("ended", "9999-12-31T23:59:59-23:00"),
        ("ended", "-0005-01-01T00:00:00+00:00"),
        ("ended", 7),
        ("steps", None),
    ],
)
def test_a_run_with_an_absurd_number_is_said_and_the_others_are_drawn(
    key: str, value: object, watched: Path
) -> None:
    file = watched / "first" / "execution.json"
    file.write_text(json.dumps(load_json(file) | {key: value}))
    history = metric_history(watched)
    assert [run.run_id for run in history.runs] == ["second", "third"]
    assert "first" in {remark.name for remark in history.remarks}
    assert "data-widget" in dashboard_page(watched, now=NOW)


@pytest.mark.parametrize(("value", "year"), [(1e308, "2026"), (1.0, "0001"), (1.0, "9999"), (1e16, "2026")])
def test_a_datum_that_cannot_be_drawn_is_said(value: float, year: str, watched: Path) -> None:
    line = {"dimensions": {"Group": "boomerang"}, "name": "FlaggedRows", "value": value}
    with (watched / "metrics.jsonl").open("a") as stream:
        stream.write(json.dumps(line | {"time": f"{year}-01-01T00:00:00+00:00"}) + "\n")
    assert {"metrics.jsonl, line 28"} <= {remark.name for remark in metric_history(watched).remarks}
    assert "data-widget" in dashboard_page(watched, now=NOW)
