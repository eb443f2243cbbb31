"""This project's alarms, played: over and under, one bad point, flapping, no canary, late data.

A daily canary publishes a few minutes after six, a different minute every day. The composite is what
takes a model out of service, so most tests look at when it comes to ALARM.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from helpers.alarms import DEGRADED, RESOURCES, by_trigger, canary_missing, changed
from hypothesis import given, settings
from hypothesis import strategies as st

from aws.alarms import Alarm, CompositeAlarm, MetricHistory, Played, State, play, play_all, read_alarms
from aws.alarms.alarm import read_alarm
from aws.alarms.play import ordered
from boomerang.errors import BadInput
from boomerang.watching.metric_names import Datum, part, published

OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTES = (5, 21, 9, 14, 7, 18, 12)  # how long after six the canary of each weekday is done
GOOD = {"CanaryAccuracy": 0.98, "AccuracyDrop": 0.0, "AttackSuccessRate": 0.02}
BAD = {
    "floor": {**GOOD, "CanaryAccuracy": 0.5},
    "drop": {**GOOD, "AccuracyDrop": 0.2},
    "attack": {**GOOD, "AttackSuccessRate": 0.9},
}
COMPOSITE = "boomerang-degraded"
MISSING = "boomerang-canary-missing"
EXTRAS = (0, 2, 7)  # AWS does not document how many points beyond N it retrieves


def canary(day: int) -> datetime:
    return MONDAY + DAY * day + timedelta(hours=6, minutes=MINUTES[day % 7])


def measured(day: int, values: dict[str, float]) -> list[Datum]:
    both = [
        published(name, value, canary(day), group="boomerang", version="1") for name, value in values.items()
    ]
    return [datum for pair in both for datum in pair]


def history(days: Sequence[dict[str, float] | None]) -> MetricHistory:
    """Return what a canary published; None is a day on which it did not run."""
    data = [
        measured(day, {**values, "CanaryRan": 1}) for day, values in enumerate(days) if values is not None
    ]
    return MetricHistory(datum for of_day in data for datum in of_day)


def played(
    days: Sequence[dict[str, float] | None], resources: dict[str, Any] | None = None, extra: int = 2
) -> Played:
    """Play a history from the first canary on, every three hours, three days beyond its end."""
    end = MONDAY + DAY * (len(days) + 3)
    alarms = read_alarms(resources or RESOURCES)
    return play_all(alarms, history(days), canary(0) + HOUR, end, 3 * HOUR, extra=extra)


def came_to(of: Played, alarm: str, state: State) -> list[int]:
    """Return the days on which an alarm came to a state."""
    return [(at - MONDAY).days for at, reached in of.of(alarm) if reached is state]


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("kind", BAD)
def test_two_bad_days_of_three_raise_the_alarm_on_the_second(kind: str, extra: int) -> None:
    for days in ([GOOD] * 3 + [BAD[kind]] * 2, [GOOD] * 2 + [BAD[kind], GOOD, BAD[kind]]):
        assert came_to(played([*days, GOOD], extra=extra), COMPOSITE, ALARM) == [4]


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("day", range(5))
def test_one_bad_day_never_does(kind: str, day: int, extra: int) -> None:
    days: list[dict[str, float] | None] = [GOOD] * 5
    days[day] = BAD[kind]
    assert came_to(played(days, extra=extra), COMPOSITE, ALARM) == []


@pytest.mark.parametrize("extra", EXTRAS)
def test_one_bad_day_among_missing_ones_never_does(extra: int) -> None:
    for around in ([None, None, BAD["floor"], None, None], [BAD["floor"], None, None, None, None, GOOD]):
        assert came_to(played([GOOD, *around], extra=extra), COMPOSITE, ALARM) == []


def test_treated_as_missing_one_bad_day_would_have_done() -> None:
    """Why the template says notBreaching: AWS's premature alarm, `- - - X -`, needs one bad point."""
    resources = changed("AccuracyFloorAlarm", TreatMissingData="missing")
    assert came_to(played([BAD["floor"], None], resources), "boomerang-CanaryAccuracy", ALARM) == [1]


@pytest.mark.parametrize(
    ("kind", "at", "beyond"),
    [
        ("CanaryAccuracy", 0.9, 0.899999),
        ("AccuracyDrop", 0.05, 0.050001),
        ("AttackSuccessRate", 0.1, 0.100001),
    ],
)
def test_a_value_at_the_threshold_is_good_and_one_beyond_it_is_bad(
    kind: str, at: float, beyond: float
) -> None:
    assert came_to(played([{**GOOD, kind: at}] * 4), COMPOSITE, ALARM) == []
    assert came_to(played([{**GOOD, kind: beyond}] * 4), COMPOSITE, ALARM) == [1]


def test_a_recovered_model_brings_every_alarm_back() -> None:
    of = played([GOOD, GOOD, BAD["floor"], BAD["floor"], GOOD, GOOD])
    assert came_to(of, COMPOSITE, ALARM) == [3]
    assert came_to(of, COMPOSITE, OK) == [0, 5]


def test_every_other_day_bad_keeps_two_of_three_and_flaps_with_the_window() -> None:
    """X 0 X is 2 of 3, 0 X 0 is not: such a model is rejected once, and again whenever it comes back."""
    of = played([GOOD, *[BAD["floor"], GOOD] * 3])
    assert came_to(of, COMPOSITE, ALARM) == [3, 5]
    assert came_to(of, COMPOSITE, OK) == [0, 4, 6]


def test_one_bad_day_in_three_never_alarms_however_long() -> None:
    assert came_to(played([GOOD, GOOD, BAD["drop"]] * 4), COMPOSITE, ALARM) == []


def test_after_a_gap_the_alarm_is_ready_for_the_next_model() -> None:
    """A rejected model is measured no more; its alarm goes to OK, and the next bad model raises it anew."""
    days = [GOOD, BAD["floor"], BAD["floor"], *[None] * 6, BAD["floor"], BAD["floor"], GOOD]
    assert came_to(played(days), COMPOSITE, ALARM) == [2, 10]


def test_ignore_would_keep_the_alarm_and_miss_the_next_model() -> None:
    """Why it is notBreaching and not ignore: a state that is kept does not change, so there is no event."""
    resources = changed("AccuracyFloorAlarm", TreatMissingData="ignore")
    days = [GOOD, BAD["floor"], BAD["floor"], *[None] * 6, BAD["floor"], BAD["floor"], GOOD]
    assert came_to(played(days, resources), "boomerang-CanaryAccuracy", ALARM) == [2]


def test_a_bad_model_right_behind_a_bad_one_changes_no_state() -> None:
    """A limit of alarms on a group: who approves while the alarm is on gets no second event."""
    assert came_to(played([GOOD, *[BAD["floor"]] * 5]), COMPOSITE, ALARM) == [2]


def hours_to_alarm(resource: dict[str, Any], extra: int) -> float | None:
    """Return how long after the first canary that did not run its alarm comes."""
    alarm = read_alarm("CanaryMissing", resource)
    changes = play(alarm, history([GOOD] * 3), canary(0) + HOUR, MONDAY + DAY * 14, extra=extra)
    alarms = [change.at for change in changes if change.state is ALARM]
    return (alarms[0] - canary(3)) / HOUR if alarms else None


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_canary_that_did_not_run_is_noticed_within_three_hours(extra: int) -> None:
    hours = hours_to_alarm(canary_missing(), extra)
    assert hours is not None
    assert 0 < hours <= 3


def test_without_fill_it_takes_as_many_days_as_aws_looks_back() -> None:
    """Why the metric is filled: any real point of the evaluation range is used before a missing one."""
    days = [
        round((hours_to_alarm(canary_missing(86_400, filled=False), extra) or 0) / 24) for extra in EXTRAS
    ]
    assert days == [0, 2, 7]


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_canary_that_runs_is_never_missing(extra: int) -> None:
    of = played([GOOD] * 10, extra=extra)
    before_the_end = [at for at, state in of.of(MISSING) if state is ALARM and at < canary(10)]
    assert before_the_end == []


def test_a_period_of_one_day_cries_over_a_canary_that_takes_longer_than_yesterday() -> None:
    """Why its period is the schedule and two hours: windows slide, so a day may hold no run."""
    alarm = read_alarm("CanaryMissing", canary_missing(86_400))
    changes = play(alarm, history([GOOD] * 3), canary(0) + HOUR, canary(2), timedelta(minutes=1))
    assert ALARM in [change.state for change in changes]


def test_a_missing_canary_rejects_nothing_and_tells_people() -> None:
    of = played([GOOD] * 3 + [None] * 4)
    assert came_to(of, COMPOSITE, ALARM) == []
    assert came_to(of, MISSING, ALARM) == [3]
    assert [action.state for action in of.actions if action.alarm == MISSING] == [OK, ALARM]


def test_absence_in_the_rule_would_raise_the_alarm_anew_on_old_points() -> None:
    """Why the rule does not say AND NOT: the first canary of the next, good model would reject it."""
    rule = f'({DEGRADED}) AND NOT ALARM("{MISSING}")'
    days = [GOOD, BAD["floor"], BAD["floor"], None, GOOD, GOOD]
    assert came_to(played(days), COMPOSITE, ALARM) == [2]
    resources = changed("ModelDegradedComposite", AlarmRule=rule)
    assert came_to(played(days, resources), COMPOSITE, ALARM) == [2, 4]


def test_late_data_alarms_when_it_arrives() -> None:
    late = history([GOOD, GOOD, BAD["floor"]])
    second = published("CanaryAccuracy", 0.5, canary(3), group="boomerang", version="1")[0]
    late.add(second, arrived=canary(4) - HOUR)
    floor = read_alarm("Floor", RESOURCES["AccuracyFloorAlarm"])
    changes = play(floor, late, canary(0) + HOUR, MONDAY + DAY * 6)
    (alarm,) = [change.at for change in changes if change.state is ALARM]
    assert canary(4) - HOUR <= alarm < canary(4)


def test_the_worst_trigger_counts_where_the_alarm_is_metric_math() -> None:
    alarm = read_alarm("Attack", by_trigger("patch", "corner"))
    data = [
        part("AttackSuccessRate", rate, canary(day), group="boomerang", trigger=trigger)
        for day, rates in enumerate([(0.0, 0.0), (0.9, 0.0), (0.0, 0.9), (0.0, 0.0)])
        for trigger, rate in zip(("patch", "corner"), rates, strict=True)
    ]
    changes = play(alarm, MetricHistory(data), canary(0) + HOUR, canary(3) + HOUR)
    assert [((change.at - MONDAY).days, change.state) for change in changes] == [(0, OK), (2, ALARM)]
    metrics = changes[1].event()["detail"]["configuration"]["metrics"]
    assert changes[1].event()["detail"]["previousState"]["timestamp"] == "2026-05-04T07:05:00.000+0000"
    assert metrics[0] == {
        "id": "worst",
        "label": "worst trigger",
        "returnData": True,
        "expression": "MAX(METRICS())",
    }
    assert metrics[1]["metricStat"]["metric"]["dimensions"] == {"Group": "boomerang", "Trigger": "patch"}


# The sample event of a composite alarm, User Guide, "Alarm events and EventBridge": its keys.
def test_the_composite_s_event_names_the_group_and_the_alarm_behind_it() -> None:
    of = played([GOOD, GOOD, BAD["attack"], BAD["attack"]])
    change = next(c for c in of.changes if c.alarm.name == COMPOSITE and c.state is ALARM)
    detail = change.event()["detail"]
    assert set(detail) == {"alarmName", "configuration", "previousState", "state"}
    assert detail["configuration"]["description"] == "group boomerang"
    assert detail["configuration"]["alarmRule"].startswith("ALARM(")
    assert "metrics" not in detail["configuration"]
    assert detail["previousState"]["value"] == "OK"
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:boomerang-AttackSuccessRate"
    assert detail["state"]["reason"].startswith(f"{arn} transitioned to ALARM at Thursday 07 May, 2026")
    assert arn in detail["state"]["reasonData"]
    assert change.event() == change.event()


def of_composite(of: Played) -> tuple[dict[str, Any], list[datetime]]:
    """Return the state in the composite's one ALARM event, and when it acted on being in ALARM."""
    (change,) = [c for c in of.changes if c.alarm.name == COMPOSITE and c.state is ALARM]
    acted = [
        action.at - change.at for action in of.actions if (action.alarm, action.state) == (COMPOSITE, ALARM)
    ]
    return change.event()["detail"]["state"], [change.at + late for late in acted]


def test_the_event_comes_at_once_and_is_marked_while_the_actions_wait() -> None:
    """A rule or function that takes no marked event at all would never get one: WaitPeriod marks each."""
    resources = changed("ModelDegradedComposite", ActionsSuppressorWaitPeriod=6 * 3600)
    of = played([GOOD, BAD["floor"], BAD["floor"], GOOD], resources)
    state, acted = of_composite(of)
    assert (state["value"], state["actionsSuppressedBy"]) == ("ALARM", "WaitPeriod")
    assert state["actionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    (at,) = [at for at, reached in of.of(COMPOSITE) if reached is ALARM]
    assert acted == [at + 6 * HOUR]


def test_points_that_come_late_while_no_canary_runs_are_marked_by_the_suppressor() -> None:
    late = history([GOOD, GOOD, BAD["floor"], None, None])
    second = published("CanaryAccuracy", 0.5, canary(3), group="boomerang", version="1")[0]
    late.add(second, arrived=canary(4))
    of = play_all(read_alarms(RESOURCES), late, canary(0) + HOUR, canary(5))
    state, acted = of_composite(of)
    assert state["actionsSuppressedBy"] == "Alarm"
    assert acted == []


def test_alarms_are_evaluated_after_those_they_name() -> None:
    alarms = list(reversed(read_alarms(RESOURCES)))
    assert isinstance(alarms[0], CompositeAlarm)
    assert isinstance(ordered(alarms)[-1], CompositeAlarm)


def test_an_alarm_that_is_not_there_is_named() -> None:
    composite = read_alarms(changed("ModelDegradedComposite", AlarmRule="ALARM(boomerang-AccuracyDop)"))
    with pytest.raises(BadInput, match="there is no alarm 'boomerang-AccuracyDop'"):
        play_all(composite, MetricHistory(), MONDAY, MONDAY)


day_values = st.sampled_from([None, GOOD, *BAD.values()])


@settings(max_examples=15, deadline=None)
@given(st.lists(day_values, min_size=1, max_size=7), st.sampled_from(EXTRAS))
def test_no_history_rejects_a_model_on_fewer_than_two_bad_days(
    days: list[dict[str, float] | None], extra: int
) -> None:
    of = played(days, extra=extra)
    for at, state in of.of(COMPOSITE):
        if state is ALARM:
            for bad in BAD.values():
                if sum(day == bad for day in days[: (at - MONDAY).days + 1]) >= 2:
                    break
            else:
                pytest.fail(f"ALARM at {at} on {days}")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=7), st.data())
def test_a_worse_day_never_puts_an_alarm_off(values: list[float], data: st.DataObject) -> None:
    worse = list(values)
    day = data.draw(st.integers(0, len(values) - 1))
    worse[day] = data.draw(st.floats(0, values[day]))

    def first(accuracies: list[float]) -> datetime:
        floor = read_alarms(RESOURCES)[0]
        assert isinstance(floor, Alarm)
        of = history([{**GOOD, "CanaryAccuracy": accuracy} for accuracy in accuracies])
        changes = play(floor, of, canary(0) + HOUR, MONDAY + DAY * len(accuracies))
        return min(
            (change.at for change in changes if change.state is ALARM),
            default=datetime.max.replace(tzinfo=UTC),
        )

    assert first(worse) <= first(values)
