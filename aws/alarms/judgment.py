"""One evaluation of a metric alarm, by CloudWatch's documented rules.

Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" and "Evaluating an
alarm". An evaluation retrieves more data points than it needs (the evaluation range); where enough of
them are real, missing ones do not matter. How many more it retrieves is not documented: in AWS's
examples they are two (5 for N = 3). `extra` is that number here, and the alarms of this project are
tested to behave alike for any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aws.alarms.alarm import Alarm, Missing, State
from aws.alarms.metric_math import compute
from aws.alarms.series import MetricHistory, Series, Windows, sliding

EXTRA = 2

Point = tuple[datetime, float]  # when its period starts, and its value


@dataclass(frozen=True)
class Verdict:
    """What one evaluation found.

    Attributes
    ----------
    state : State
    reason : str
        In the manner of the service's own reasons.
    at : datetime
    points : tuple of (datetime, float)
        The real data points that were evaluated, the newest first.
    """

    state: State
    reason: str
    at: datetime
    points: tuple[Point, ...] = ()


def judge(
    points: Sequence[bool | None], *, periods: int, datapoints: int, missing: Missing, current: State
) -> State:
    """Return the state that an evaluation range leads to.

    Parameters
    ----------
    points : sequence of bool or None
        The evaluation range, the oldest first: breaching, not breaching, missing.
    periods, datapoints : int
        N and M.
    missing : Missing
    current : State
        Kept where `ignore` says so.
    """
    real = [point for point in points if point is not None]
    if len(real) >= periods:
        return _state(sum(real[-periods:]) >= datapoints)
    filled = periods - len(real) if missing is Missing.BREACHING else 0
    if sum(real) + filled >= datapoints:
        return State.ALARM
    if filled or missing is Missing.NOT_BREACHING or not all(real):
        return State.OK
    if missing is Missing.IGNORE:
        return current
    return State.ALARM if _premature(points, datapoints) else State.INSUFFICIENT_DATA


def _state(alarm: bool) -> State:
    return State.ALARM if alarm else State.OK


def _premature(points: Sequence[bool | None], datapoints: int) -> bool:
    """Whether the oldest breaching point is at least as old as M; all newer ones are breaching or missing.

    The page's tables say more than its text: a range with any real point that does not breach is OK.
    """
    ages = [len(points) - i for i, point in enumerate(points) if point is not None]
    return bool(ages) and max(ages) >= datapoints


def evaluate(
    alarm: Alarm,
    history: MetricHistory,
    at: datetime,
    *,
    current: State = State.INSUFFICIENT_DATA,
    extra: int = EXTRA,
    running: bool = False,
) -> Verdict:
    """Evaluate an alarm once.

    Parameters
    ----------
    alarm : Alarm
    history : MetricHistory
    at : datetime
        The time of the evaluation, with its zone.
    current : State
        The state that the alarm is in; a new alarm is in INSUFFICIENT_DATA.
    extra : int
        Data points retrieved beyond N.
    running : bool
        Count what came in the hour that is running; see `sliding`.

    Returns
    -------
    Verdict

    Raises
    ------
    BadInput
        If the alarm's metric math is not understood.
    """
    windows = sliding(at, alarm.period, alarm.periods, alarm.periods + extra, running=running)
    series = _watched(alarm, history, windows, at)
    breaching = [None if point is None else alarm.breaches(point) for point in series]
    state = judge(
        breaching,
        periods=alarm.periods,
        datapoints=alarm.datapoints,
        missing=alarm.treatment,
        current=current,
    )
    real = [(start, value) for start, value in zip(windows.starts, series, strict=True) if value is not None]
    points = tuple(reversed(real[-alarm.periods :]))
    return Verdict(state, _reason(alarm, state, points), at, points)


def _watched(alarm: Alarm, history: MetricHistory, windows: Windows, at: datetime) -> Series:
    known: dict[str, Series] = {}
    for query in alarm.queries:
        if query.metric is not None and query.statistic is not None:
            known[query.id] = history.series(query.metric, query.statistic, windows, at)
    metrics = tuple(known)
    for query in alarm.queries:
        if query.metric is None:
            known[query.id] = compute(query.expression, known, metrics)
    return known[alarm.watched.id]


def _reason(alarm: Alarm, state: State, points: tuple[Point, ...]) -> str:
    """Say why, as the service does (User Guide, "Alarm events and EventBridge", sample events)."""
    unknown = alarm.periods - len(points)
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(unknown, 'datapoint')} were unknown."
    if not points:
        return f"Threshold Crossed: no datapoints were received for {_counted(alarm.periods, 'period')}" + (
            f" and {_counted(unknown, 'missing datapoint')} were treated as [{alarm.treatment}]."
        )
    hits = sum(alarm.breaches(value) is (state is State.ALARM) for _, value in points)
    listed = ", ".join(f"{value} ({start:%d/%m/%y %H:%M:%S})" for start, value in points)
    verb = ("was" if hits == 1 else "were") + ("" if state is State.ALARM else " not")
    treated = f" {_counted(unknown, 'missing datapoint')} treated as [{alarm.treatment}]." if unknown else ""
    return (
        f"Threshold Crossed: {hits} out of the last {_counted(alarm.periods, 'datapoint')} [{listed}] "
        f"{verb} {alarm.comparison.words} the threshold ({alarm.threshold}) "
        f"({_minimum(alarm, state)} transition).{treated}"
    )


def _minimum(alarm: Alarm, state: State) -> str:
    if state is State.ALARM:
        return f"minimum {_counted(alarm.datapoints, 'datapoint')} for OK -> ALARM"
    return f"minimum {_counted(alarm.periods - alarm.datapoints + 1, 'datapoint')} for ALARM -> OK"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
