"""How the alarms stand after local canaries."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.report_fixture import build_run
from helpers.workspaces import NOW, canary, end

from aws.alarms import State, read_alarms
from boomerang.watching.history import append_history
from pipelines.watching.dashboard import dashboard_page, metric_history
from pipelines.watching.dashboard.render import local_stack
from pipelines.watching.dashboard.states import standings


def test_two_bad_canaries_of_three_are_an_alarm_and_one_is_none(watched: Path) -> None:
    alarms, data = read_alarms(local_stack("boomerang").resources), metric_history(watched).judged
    after = {hours: standings(alarms, data, NOW - timedelta(hours=hours)) for hours in (30, 0)}
    assert after[30]["boomerang-accuracy-floor"].state is State.OK
    assert after[0]["boomerang-accuracy-floor"].state is State.ALARM
    assert after[0]["boomerang-model-degraded-boomerang"].state is State.ALARM
    assert after[0]["boomerang-canary-missing"].state is State.OK
    assert after[0]["boomerang-dead-letters"].state is after[0]["boomerang-package-exchanged"].state is None


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=1), timedelta(minutes=59)])
def test_a_canary_of_the_running_hour_counts(tmp_path: Path, ago: timedelta) -> None:
    now = NOW + timedelta(minutes=20)
    append_history(tmp_path / "metrics.jsonl", canary("fish", 1, now - ago, 0.98))
    alarms, data = read_alarms(local_stack("fish").resources), metric_history(tmp_path).judged
    standing = standings(alarms, data, now)
    assert standing["boomerang-canary-missing"].state is State.OK
    assert "0.98" in standing["boomerang-accuracy-floor"].reason, "its accuracy is judged, not its absence"
    text = dashboard_page(tmp_path, now=now)
    assert "No canary of fish ran" not in text and "No alarm on the model stands." in text


def test_a_canary_that_stays_away_is_missing_once_its_time_is_over(tmp_path: Path) -> None:
    append_history(tmp_path / "metrics.jsonl", canary("fish", 1, NOW, 0.98))
    alarms, data = read_alarms(local_stack("fish").resources), metric_history(tmp_path).judged
    states = {
        hours: standings(alarms, data, NOW + timedelta(hours=hours))["boomerang-canary-missing"].state
        for hours in (1, 25, 27)
    }
    assert states == {1: State.OK, 25: State.OK, 27: State.ALARM}


def test_a_run_is_no_canary(tmp_path: Path) -> None:
    end(build_run(tmp_path / "run"), NOW - timedelta(minutes=5))
    alarms, data = read_alarms(local_stack("boomerang").resources), metric_history(tmp_path).judged
    standing = standings(alarms, data, NOW)
    assert standing["boomerang-canary-missing"].state is State.INSUFFICIENT_DATA
    assert standing["boomerang-accuracy-floor"].state is State.OK
    text = dashboard_page(tmp_path, now=NOW)
    assert "as no canary ran yet" in text and "No canary ran yet, so none is missing" in text
    drawn = re.search(r"<h3>Canaries that could do their work</h3>(.*?)</div>", text, re.DOTALL)
    assert drawn and "No run and no canary here has this number yet." in drawn[1]
