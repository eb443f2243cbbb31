"""One evaluation: every row of AWS's own tables on missing data, and properties of the rules.

The rows are those of the CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"
(doc_source/AlarmThatSendsEmail.md of awsdocs/amazon-cloudwatch-user-guide, and the page as of 2025).
In a pattern the newest point stands on the right: 0 does not breach, X breaches, - is missing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.alarms.alarm import Alarm, Comparison, Metric, Missing, Query, State, Statistic
from aws.alarms.event import StateChange, unchecked
from aws.alarms.judgment import evaluate, judge
from aws.alarms.series import MetricHistory
from boomerang.watching.metric_names import NAMESPACE, Datum

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PERIOD = timedelta(minutes=5)  # as in the page's examples
GROUP = (("Group", "boomerang"),)
RETAIN = None
TREATMENTS = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA

# pattern, points to be filled, then the state under missing, ignore, breaching, notBreaching
Row = tuple[str, int, State | None, State | None, State | None, State | None]

THREE_OF_THREE: list[Row] = [
    ("0 - X - X", 0, OK, OK, OK, OK),
    ("0 - - - -", 2, OK, OK, OK, OK),
    ("- - - - -", 3, INSUFFICIENT, RETAIN, ALARM, OK),
    ("0 X X - X", 0, ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", 2, ALARM, RETAIN, ALARM, OK),
]
TWO_OF_THREE: list[Row] = [
    ("0 - X - X", 0, ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", 0, ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", 1, OK, OK, ALARM, OK),
    ("- - - - 0", 2, OK, OK, ALARM, OK),
    ("- - - X -", 2, ALARM, RETAIN, ALARM, OK),
]
# Earlier editions of the page (commits cd4004c and 05fd32f of its repository) had these rows in place of
# the last ones, or beside them; `filled` is counted as today's edition counts it. Today's text still says
# of the first that it "does not go immediately into ALARM".
EARLIER_THREE_OF_THREE: list[Row] = [
    ("- - - - X", 2, INSUFFICIENT, RETAIN, ALARM, OK),
    ("X - - - -", 2, ALARM, RETAIN, ALARM, OK),
]
EARLIER_TWO_OF_THREE: list[Row] = [("- - - - X", 2, INSUFFICIENT, RETAIN, ALARM, OK)]

ROWS = [
    pytest.param(m, pattern, filled, missing, expected, id=f"{m} of 3, {pattern}, {missing}")
    for m, rows in (
        (3, THREE_OF_THREE + EARLIER_THREE_OF_THREE),
        (2, TWO_OF_THREE + EARLIER_TWO_OF_THREE),
    )
    for pattern, filled, *states in rows
    for missing, expected in zip(TREATMENTS, states, strict=True)
]


def alarm(m: int, n: int, missing: Missing | None, comparison: Comparison = Comparison.LESS) -> Alarm:
    query = Query("m1", Metric(NAMESPACE, "CanaryAccuracy", GROUP), Statistic.AVERAGE)
    return Alarm("floor", (query,), int(PERIOD.total_seconds()), n, m, 0.5, comparison, missing)


def history_of(pattern: str) -> MetricHistory:
    """Return data whose newest period, before NOW, holds the pattern's last point."""
    points = pattern.split()
    values = {"0": 0.9, "O": 0.9, "X": 0.1}
    return MetricHistory(
        Datum("CanaryAccuracy", values[point], NOW - PERIOD * (len(points) - i), GROUP)
        for i, point in enumerate(points)
        if point != "-"
    )


def parsed(pattern: str) -> list[bool | None]:
    return [None if point == "-" else point == "X" for point in pattern.split()]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(("m", "pattern", "filled", "missing", "expected"), ROWS)
def test_a_documented_row(
    m: int, pattern: str, filled: int, missing: Missing, expected: State | None, current: State
) -> None:
    found = evaluate(alarm(m, 3, missing), history_of(pattern), NOW, current=current, extra=2)
    assert found.state is (current if expected is RETAIN else expected)
    assert 3 - len(found.points) == filled


# "Avoiding premature transitions to alarm state", N = 3, treated as missing.
@pytest.mark.parametrize(
    ("m", "pattern", "expected"),
    [
        (3, "- - - X -", False),  # "does not go immediately into ALARM state"
        (3, "- - - - X", False),
        (3, "- - - X O", False),  # "false positives are avoided"
        (3, "- - X - O", False),
        (3, "- - X - -", True),  # "goes into ALARM state even if missing data points are treated as missing"
        (3, "- - X - X", True),  # "all other more recent data points are breaching or missing"
        (2, "- - - X -", True),  # "applies to M out of N alarms as well"
    ],
)
def test_the_premature_alarm_state(m: int, pattern: str, expected: bool) -> None:
    found = evaluate(alarm(m, 3, Missing.MISSING), history_of(pattern), NOW)
    assert (found.state is ALARM) is expected


def test_a_breaching_row_alarms_once_its_last_real_point_has_left_the_range() -> None:
    """The page on row 2: "The next time this alarm is evaluated ... it will go to ALARM"."""
    of = alarm(3, 3, Missing.BREACHING)
    history = history_of("0 - - - -")
    assert evaluate(of, history, NOW).state is OK
    assert evaluate(of, history, NOW + PERIOD).state is ALARM


def test_missing_is_the_default_treatment() -> None:
    history = history_of("- - - - -")
    assert evaluate(alarm(3, 3, None), history, NOW, current=OK).state is INSUFFICIENT


# The figure of "Evaluating an alarm": threshold 3 units, 3 of 3; ALARM from the third to the fifth period
# over the threshold, OK when one of three dips, OK still when a single one is over it later.
def test_the_figure_of_the_user_guide() -> None:
    states = [
        judge(parsed(" ".join(seen)), periods=3, datapoints=3, missing=Missing.MISSING, current=OK)
        for seen in (["X", "X", "X"], ["X", "X", "X", "0"], ["X", "0", "0"], ["0", "0", "X"])
    ]
    assert states == [ALARM, OK, OK, OK]


@pytest.mark.parametrize(
    ("comparison", "at_threshold", "over", "under"),
    [
        (Comparison.LESS, OK, OK, ALARM),
        (Comparison.LESS_OR_EQUAL, ALARM, OK, ALARM),
        (Comparison.GREATER, OK, ALARM, OK),
        (Comparison.GREATER_OR_EQUAL, ALARM, ALARM, OK),
    ],
)
def test_exactly_at_the_threshold(
    comparison: Comparison, at_threshold: State, over: State, under: State
) -> None:
    of = alarm(1, 1, Missing.NOT_BREACHING, comparison)
    for value, expected in ((0.5, at_threshold), (0.5000001, over), (0.4999999, under)):
        history = MetricHistory([Datum("CanaryAccuracy", value, NOW - PERIOD, GROUP)])
        assert evaluate(of, history, NOW).state is expected, value


def test_one_data_point_is_the_statistic_of_its_period() -> None:
    times = [NOW - timedelta(minutes=3), NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)]
    history = MetricHistory(
        Datum("CanaryAccuracy", value, time, GROUP)
        for value, time in zip((0.2, 0.9, 0.7), times, strict=True)
    )
    of = alarm(1, 1, Missing.NOT_BREACHING)
    expected = {
        Statistic.AVERAGE: 0.6,
        Statistic.MINIMUM: 0.2,
        Statistic.MAXIMUM: 0.9,
        Statistic.SUM: 1.8,
        Statistic.SAMPLE_COUNT: 3.0,
    }
    for statistic, value in expected.items():
        watched = replace(of, queries=(replace(of.watched, statistic=statistic),))
        assert evaluate(watched, history, NOW).points[0][1] == pytest.approx(value)


def test_other_dimensions_are_another_metric() -> None:
    history = MetricHistory([Datum("CanaryAccuracy", 0.1, NOW - PERIOD, (*GROUP, ("Version", "1")))])
    assert evaluate(alarm(1, 1, Missing.NOT_BREACHING), history, NOW).state is OK


def test_the_window_slides_with_the_minute() -> None:
    """The guide: after minute 5 minutes 1 to 5 are evaluated, after minute 6 minutes 2 to 6."""
    of = alarm(1, 1, Missing.NOT_BREACHING)
    history = MetricHistory([Datum("CanaryAccuracy", 0.1, NOW, GROUP)])
    states = [
        evaluate(of, history, NOW + timedelta(minutes=minute, seconds=40), extra=0).state
        for minute in range(8)
    ]
    assert states == [OK, ALARM, ALARM, ALARM, ALARM, ALARM, OK, OK]


def test_periods_start_at_the_minute_that_the_sample_event_shows() -> None:
    """Queried at 17:04:40 with a period of 300 s, the sample event's point starts at 16:59:00."""
    at = datetime(2026, 5, 1, 17, 4, 40, tzinfo=UTC)
    history = MetricHistory([Datum("CanaryAccuracy", 0.1, at - timedelta(minutes=3), GROUP)])
    found = evaluate(alarm(1, 1, Missing.NOT_BREACHING), history, at, extra=0)
    assert [start.strftime("%H:%M:%S") for start, _ in found.points] == ["16:59:00"]


def test_an_alarm_of_more_than_a_day_sees_data_up_to_the_full_hour() -> None:
    """The guide's multi-day example: a failure at 10:02 is seen at 11:03, not at 10:03."""
    of = replace(alarm(1, 2, Missing.NOT_BREACHING), period=86_400)
    history = MetricHistory([Datum("CanaryAccuracy", 0.1, NOW.replace(hour=10, minute=2), GROUP)])
    assert evaluate(of, history, NOW.replace(hour=10, minute=3)).state is OK
    assert evaluate(of, history, NOW.replace(hour=11, minute=3)).state is ALARM


def test_late_data_counts_only_once_it_has_arrived() -> None:
    history = MetricHistory()
    late = Datum("CanaryAccuracy", 0.1, NOW - timedelta(minutes=4), GROUP)
    history.add(late, arrived=NOW + timedelta(minutes=2))
    of = alarm(1, 1, Missing.NOT_BREACHING)
    assert evaluate(of, history, NOW).state is OK
    assert evaluate(of, history, NOW + timedelta(minutes=2)).state is ALARM


def test_the_reason_reads_like_the_service_s_own() -> None:
    found = evaluate(alarm(2, 3, Missing.NOT_BREACHING), history_of("0 0 X 0 X"), NOW)
    assert found.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [0.1 (01/05/26 11:55:00), "
        "0.9 (01/05/26 11:50:00), 0.1 (01/05/26 11:45:00)] were less than the threshold (0.5) "
        "(minimum 2 datapoints for OK -> ALARM transition)."
    )


def test_the_reason_says_what_missing_points_were_taken_for() -> None:
    treated = evaluate(alarm(3, 3, Missing.BREACHING), history_of("- - - - -"), NOW).reason
    assert treated == (
        "Threshold Crossed: no datapoints were received for 3 periods "
        "and 3 missing datapoints were treated as [breaching]."
    )
    some = evaluate(alarm(2, 3, Missing.NOT_BREACHING), history_of("- - - - 0"), NOW).reason
    assert some.endswith(
        "(minimum 2 datapoints for ALARM -> OK transition). 2 missing datapoints treated as [notBreaching]."
    )
    unknown = evaluate(alarm(3, 3, Missing.MISSING), history_of("- - - - -"), NOW).reason
    assert unknown == "Insufficient Data: 3 datapoints were unknown."


# The sample event of a single-metric alarm, User Guide, "Alarm events and EventBridge": its keys.
def test_the_event_has_the_documented_shape() -> None:
    of = replace(alarm(1, 1, Missing.NOT_BREACHING), description="why")
    found = evaluate(of, history_of("- - - - X"), NOW)
    event = StateChange(of, unchecked(NOW - PERIOD), found).event()
    assert set(event) == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    }  # fmt: skip
    assert (event["source"], event["detail-type"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert event["time"] == "2026-05-01T12:00:00Z"
    assert event["resources"] == ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:floor"]
    detail = event["detail"]
    assert detail["alarmName"] == "floor"
    assert detail["configuration"] == {
        "description": "why",
        "metrics": [
            {
                "id": "m1",
                "metricStat": {
                    "metric": {
                        "dimensions": {"Group": "boomerang"},
                        "name": "CanaryAccuracy",
                        "namespace": "Boomerang",
                    },
                    "period": 300,
                    "stat": "Average",
                },
                "returnData": True,
            }
        ],
    }
    assert detail["previousState"] == {
        "value": "INSUFFICIENT_DATA",
        "reason": "Unchecked: Initial alarm creation",
        "timestamp": "2026-05-01T11:55:00.000+0000",
    }
    assert detail["state"]["value"] == "ALARM"
    assert json.loads(detail["state"]["reasonData"]) == {
        "version": "1.0",
        "queryDate": "2026-05-01T12:00:00.000+0000",
        "startDate": "2026-05-01T11:55:00.000+0000",
        "statistic": "Average",
        "period": 300,
        "recentDatapoints": [0.1],
        "threshold": 0.5,
    }
    json.dumps(event)


ranges = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=10)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[bool | None], int, int, Missing, State]:
    points = draw(ranges)
    n = draw(st.integers(1, len(points)))
    m = draw(st.integers(1, n))
    return points, n, m, draw(st.sampled_from(TREATMENTS)), draw(st.sampled_from(list(State)))


def judged(points: list[bool | None], n: int, m: int, missing: Missing, current: State) -> State:
    return judge(points, periods=n, datapoints=m, missing=missing, current=current)


@given(cases(), st.data())
def test_making_a_point_worse_never_turns_alarm_into_anything_else(
    case: tuple[list[bool | None], int, int, Missing, State], data: st.DataObject
) -> None:
    points, *rest = case
    worse = list(points)
    worse[data.draw(st.integers(0, len(points) - 1))] = True
    if judged(points, *rest) is ALARM:
        assert judged(worse, *rest) is ALARM


@given(cases())
def test_with_enough_real_points_the_treatment_and_the_state_before_do_not_matter(
    case: tuple[list[bool | None], int, int, Missing, State],
) -> None:
    points, n, m, missing, current = case
    real = [point for point in points if point is not None]
    if len(real) >= n:
        assert judged(points, n, m, missing, current) is judged(real[-n:], n, m, Missing.MISSING, OK)


@given(cases())
def test_not_breaching_and_ignore_never_raise_an_alarm_on_fewer_than_m_bad_points(
    case: tuple[list[bool | None], int, int, Missing, State],
) -> None:
    points, n, m, _, current = case
    bad = sum(point is True for point in points)
    if bad < m:
        assert judged(points, n, m, Missing.NOT_BREACHING, current) is OK
        assert judged(points, n, m, Missing.IGNORE, current) in (OK, current)


@given(cases())
def test_the_evaluation_range_beyond_n_matters_only_where_points_are_missing(
    case: tuple[list[bool | None], int, int, Missing, State],
) -> None:
    points, n, m, missing, current = case
    if None not in points[-n:]:
        assert judged(points, n, m, missing, current) is judged(points[-n:], n, m, missing, current)


@given(cases())
def test_insufficient_data_comes_of_missing_points_alone(
    case: tuple[list[bool | None], int, int, Missing, State],
) -> None:
    points, n, m, missing, current = case
    if judged(points, n, m, missing, current) is INSUFFICIENT and current is not INSUFFICIENT:
        assert missing is Missing.MISSING
        assert False not in points
