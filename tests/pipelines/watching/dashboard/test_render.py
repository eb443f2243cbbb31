"""The dashboard of a workspace: what is read from it, the page in a real Chromium, the server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.chromium import Page, browser_page, find_chromium
from helpers.ranges import ROOT
from helpers.report_fixture import CLASSES, Scene, build_run

from aws.alarms import State, read_alarms
from aws.alarms.alarm import Metric
from boomerang.errors import UsageError
from boomerang.safeio import load_json
from boomerang.watching.history import append_history
from boomerang.watching.metric_names import Datum, part, published
from pipelines.cli.main import main
from pipelines.registry.local import Registry
from pipelines.runs.records import load_execution
from pipelines.watching.dashboard import dashboard_page, metric_history, write_dashboard
from pipelines.watching.dashboard.charts import formatter
from pipelines.watching.dashboard.lines import lines_of
from pipelines.watching.dashboard.render import local_body, local_stack, markdown
from pipelines.watching.dashboard.serve import server
from pipelines.watching.dashboard.states import standings
from pipelines.watching.dashboard.workspace import Sample

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


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three finished runs, and folders that are no finished run."""
    folder = tmp_path_factory.mktemp("dashboard") / "runs"
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


@pytest.fixture
def watched(workspace: Path, tmp_path: Path) -> Path:
    """The same workspace after three canaries, of which the last two are bad."""
    folder = tmp_path / "runs"
    shutil.copytree(workspace, folder)
    for day, accuracy in ((3, 0.98), (2, 0.4), (1, 0.3)):
        append_history(folder / "metrics.jsonl", canary("boomerang", 2, NOW - timedelta(days=day), accuracy))
    return folder


# --- reading ------------------------------------------------------------------------------------


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
    assert values["CanaryRan", (group,)] == 1.0


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


# --- what is drawn ------------------------------------------------------------------------------


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


def test_two_bad_canaries_of_three_are_an_alarm_and_one_is_none(watched: Path) -> None:
    alarms, data = read_alarms(local_stack("boomerang").resources), metric_history(watched).judged
    after = {hours: standings(alarms, data, NOW - timedelta(hours=hours)) for hours in (30, 0)}
    assert after[30]["boomerang-accuracy-floor"].state is State.OK
    assert after[0]["boomerang-accuracy-floor"].state is State.ALARM
    assert after[0]["boomerang-model-degraded-boomerang"].state is State.ALARM
    assert after[0]["boomerang-canary-missing"].state is State.OK
    assert after[0]["boomerang-dead-letters"].state is None


def test_rates_are_percentages_and_counts_are_not() -> None:
    assert formatter({"metrics": [["Boomerang", "CleanAccuracy", "Group", "g"]]})(0.5) == "50.0%"
    assert formatter({"metrics": [["Boomerang", "FlaggedRows", "Group", "g"]]})(1234.0) == "1,234"
    write = formatter({"metrics": [["AWS/Sagemaker/ModelBuildingPipeline", "StepDuration"]]})
    assert [write(value) for value in (0.0, 0.0003, 0.637, 12.3, 411.0)] == [
        "0",
        "<0.01",
        "0.64",
        "12.3",
        "411",
    ]


def test_markdown_does_nothing_but_what_it_should() -> None:
    assert markdown(f"## {HOSTILE}") == "<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>"
    assert markdown(r"\*\*a\*\*") == "<p>**a**</p>"
    assert markdown("- `a`\n\n[x](javascript:1)") == (
        '<p class="item"><code>a</code></p><p>[x](javascript:1)</p>'
    )


# --- the page -----------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: apt install chromium"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def keep(page: Page, file: Path, width: int) -> None:
    """Keep a picture of the whole page where BOOMERANG_ARTIFACTS says."""
    if folder := os.environ.get("BOOMERANG_ARTIFACTS"):
        height = page.evaluate("document.documentElement.scrollHeight")
        page.open(file, width=width, height=height)
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(Path(folder) / f"dashboard-{width}.png")


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_every_widget_is_drawn(page: Page, watched: Path, tmp_path: Path, width: int) -> None:
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file, width=width)
    body = local_body(metric_history(watched))
    kinds = page.evaluate("[...document.querySelectorAll('[data-widget]')].map(w => w.dataset.widget)")
    assert kinds == [widget["type"] for widget in body["widgets"]]
    undrawn = page.evaluate(
        "[...document.querySelectorAll('[data-widget=metric]')]"
        ".filter(w => !w.querySelector('svg.chart .series .dot')).map(w => w.querySelector('h3').textContent)"
    )
    assert undrawn == [
        "Charges of the account this month, USD"
    ]  # a machine has no bill, and the widget says so
    assert page.evaluate("document.querySelectorAll('.alarms li').length") == 6
    assert page.evaluate("document.querySelector('h1').textContent") == "The model is in alarm."
    assert page.complaints() == []
    assert page.requests() == [file.as_uri()]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    keep(page, file, width)


@needs_chromium
def test_hostile_names_are_shown_and_do_nothing(page: Page, watched: Path, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file)
    assert HOSTILE in page.evaluate("document.body.textContent")
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.images.length") == 0
    assert page.complaints() == []


@needs_chromium
def test_labels_of_the_axes_do_not_overlap(page: Page, watched: Path, tmp_path: Path) -> None:
    data = [d for k in range(40) for d in canary("boomerang", 3, NOW - timedelta(hours=7 * k), 0.9)]
    append_history(watched / "metrics.jsonl", data)
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file)
    overlaps = page.evaluate("""
        [...document.querySelectorAll('svg.chart')].flatMap(chart => {
          const ticks = [...chart.querySelectorAll('.tick:not(.limit-name)')];
          const boxes = ticks.map(tick => [tick.textContent, tick.getBBox()]);
          return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
            p.x < q.x + q.width && q.x < p.x + p.width && p.y + 2 < q.y + q.height && q.y + 2 < p.y + p.height
          ).map(([b]) => [chart.getAttribute('aria-label'), a, b]));
        })""")
    assert overlaps == []


@needs_chromium
def test_an_empty_workspace_says_what_to_run(page: Page, tmp_path: Path) -> None:
    file = write_dashboard(tmp_path / "runs")
    page.open(file)
    assert "python -m pipelines run" in page.evaluate("document.querySelector('main').innerText")
    assert page.evaluate("document.querySelectorAll('[data-widget]').length") == 0
    assert page.complaints() == []


def test_a_workspace_of_failures_says_what_they_are(tmp_path: Path) -> None:
    end(build_run(tmp_path / "stopped", Scene(stop="Poison")), NOW)
    text = dashboard_page(tmp_path, now=NOW)
    assert "nothing to draw" in text
    assert "it stopped at Poison" in text


def test_a_group_with_canaries_alone_is_drawn(tmp_path: Path) -> None:
    append_history(tmp_path / "metrics.jsonl", canary("fish", 1, NOW - timedelta(hours=1), 0.9))
    text = dashboard_page(tmp_path, now=NOW)
    assert text.count('class="chart"') == 6
    assert 'id="runs"' not in text
    assert "0 runs and 1 canary of this machine" in text


def test_the_page_tells_no_path_of_this_machine(watched: Path) -> None:
    assert str(watched) not in dashboard_page(watched, now=NOW)


# --- the command --------------------------------------------------------------------------------


def test_the_command_writes_one_file_and_says_where(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a" / "page.html"
    assert main(["dashboard", "--out", str(workspace), "--page", str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert file.read_text().startswith("<!doctype html>")
    assert list(file.parent.iterdir()) == [file]


def test_the_dashboard_takes_nothing_heavy() -> None:
    code = "import sys, pipelines.watching.dashboard.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "boto3", "sagemaker", "scipy", "sklearn"} & set(done.stdout.split())


@pytest.fixture
def served(watched: Path) -> Iterator[str]:
    with server(lambda: dashboard_page(watched, now=NOW), 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_the_server_reads_anew_for_every_load(served: str, watched: Path) -> None:
    with urllib.request.urlopen(served, timeout=30) as answer:
        assert b"fresh-run" not in answer.read()
    shutil.copytree(watched / "second", watched / "fresh-run")
    with urllib.request.urlopen(served, timeout=30) as answer:
        assert b"fresh-run" in answer.read()
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "host", "status"), [("", "evil.example", 403), ("execution.json", "127.0.0.1", 404)]
)
def test_the_server_answers_this_machine_alone(served: str, path: str, host: str, status: int) -> None:
    request = urllib.request.Request(served + path, headers={"Host": host})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    refused.value.close()
    assert refused.value.code == status


def test_a_taken_port_is_a_clear_error(served: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        server(lambda: "", int(served.rstrip("/").rpartition(":")[2]))


def test_the_command_serves_until_it_is_interrupted(workspace: Path) -> None:
    command = [sys.executable, "-m", "pipelines", "dashboard", "--out", str(workspace), "--serve", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert b"data-widget" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
