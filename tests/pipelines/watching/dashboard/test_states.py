"""How the alarms stand after local canaries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from helpers.workspaces import NOW

from aws.alarms import State, read_alarms
from pipelines.watching.dashboard import metric_history
from pipelines.watching.dashboard.render import local_stack
from pipelines.watching.dashboard.states import standings


def test_two_bad_canaries_of_three_are_an_alarm_and_one_is_none(watched: Path) -> None:
    alarms, data = read_alarms(local_stack("boomerang").resources), metric_history(watched).judged
    after = {hours: standings(alarms, data, NOW - timedelta(hours=hours)) for hours in (30, 0)}
    assert after[30]["boomerang-accuracy-floor"].state is State.OK
    assert after[0]["boomerang-accuracy-floor"].state is State.ALARM
    assert after[0]["boomerang-model-degraded-boomerang"].state is State.ALARM
    assert after[0]["boomerang-canary-missing"].state is State.OK
    assert after[0]["boomerang-dead-letters"].state is None
