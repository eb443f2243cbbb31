"""Driving a metric history through alarms: every change of state, and every action that is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from aws.alarms.alarm import Alarm, State
from aws.alarms.composite import CompositeAlarm, Suppression
from aws.alarms.event import StateChange, Where, unchecked
from aws.alarms.judgment import EXTRA, Verdict, evaluate
from aws.alarms.series import HOUR, MetricHistory
from boomerang.errors import BadInput, nearest


@dataclass(frozen=True)
class Action:
    """A moment at which an alarm takes the actions of the state that it is in."""

    alarm: str
    at: datetime
    state: State


@dataclass
class Played:
    """What happened, in the order of time."""

    changes: list[StateChange] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def of(self, alarm: str) -> list[tuple[datetime, State]]:
        """Return when one alarm came to which state."""
        return [(change.at, change.state) for change in self.changes if change.alarm.name == alarm]


def play(
    alarm: Alarm,
    history: MetricHistory,
    start: datetime,
    end: datetime,
    step: timedelta = HOUR,
    *,
    extra: int = EXTRA,
) -> list[StateChange]:
    """Return every change of one metric alarm that is made at `start`."""
    return play_all([alarm], history, start, end, step, extra=extra).changes


def play_all(
    alarms: Sequence[Alarm | CompositeAlarm],
    history: MetricHistory,
    start: datetime,
    end: datetime,
    step: timedelta = HOUR,
    *,
    extra: int = EXTRA,
    where: Where | None = None,
    running: bool = False,
) -> Played:
    """Evaluate alarms together, from `start` to `end`, every `step`.

    Parameters
    ----------
    alarms : sequence
        Metric and composite alarms, all made at `start`.
    history : MetricHistory
    start, end : datetime
        With their zone; both are evaluated.
    step : timedelta
        CloudWatch evaluates every minute, and once an hour where an alarm's periods exceed one day.
    extra : int
        Data points retrieved beyond N.
    running : bool
        Count at each evaluation what came in the hour that is running; CloudWatch waits for its end where an
        alarm's periods exceed one day.

    Raises
    ------
    BadInput
        If a composite alarm names an alarm that is not there, or itself over others.
    """
    place = where or Where()
    players = [_Player(alarm, unchecked(start), place, running) for alarm in ordered(alarms)]
    verdicts = {player.alarm.name: player.verdict for player in players}
    played = Played()
    for at in _moments(start, end, step):
        moved: dict[str, Verdict] = {}
        for player in players:
            change = player.step(at, history, verdicts, moved, extra)
            if change is not None:
                moved[player.alarm.name] = verdicts[player.alarm.name] = player.verdict
                played.changes.append(change)
            if player.acts:
                played.actions.append(Action(player.alarm.name, at, player.verdict.state))
    return played


def _moments(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    at = start
    while at <= end:
        yield at
        at += step


def ordered(alarms: Sequence[Alarm | CompositeAlarm]) -> list[Alarm | CompositeAlarm]:
    """Return alarms so that each stands behind those whose states it needs.

    Raises
    ------
    BadInput
        If two have one name, one that is named is not there, or composite alarms form a cycle (AWS then
        stops to evaluate them).
    """
    by_name = {alarm.name: alarm for alarm in alarms}
    if len(by_name) < len(alarms):
        raise BadInput("the alarms", "two of them have one name", "give each its own")
    needs = {name: _needs(alarm) for name, alarm in by_name.items()}
    for name, needed in needs.items():
        for other in needed:
            if other not in by_name:
                raise BadInput(f"alarm '{name}'", f"there is no alarm '{other}'", nearest(other, by_name))
    try:
        return [by_name[name] for name in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise BadInput("the alarms", f"they wait for one another: {circle}", "break the circle") from None


def _needs(alarm: Alarm | CompositeAlarm) -> tuple[str, ...]:
    return alarm.depends_on if isinstance(alarm, CompositeAlarm) else ()


class _Player:
    """One alarm while it is played."""

    def __init__(self, alarm: Alarm | CompositeAlarm, verdict: Verdict, where: Where, running: bool) -> None:
        self.alarm, self.verdict, self.where, self.running = alarm, verdict, where, running
        self.acts = False
        self.suppression = Suppression(alarm) if isinstance(alarm, CompositeAlarm) else None

    def step(
        self,
        at: datetime,
        history: MetricHistory,
        verdicts: Mapping[str, Verdict],
        moved: Mapping[str, Verdict],
        extra: int,
    ) -> StateChange | None:
        before = self.verdict
        found = self._evaluate(at, history, verdicts, moved, extra)
        changed = found.state is not before.state
        if changed:
            self.verdict = found
        self.acts = self._acts(at, changed, verdicts)
        if not changed:
            return None
        by = self.suppression.by if self.suppression else ""
        return StateChange(self.alarm, before, found, by, self._triggers(moved))

    def _evaluate(
        self,
        at: datetime,
        history: MetricHistory,
        verdicts: Mapping[str, Verdict],
        moved: Mapping[str, Verdict],
        extra: int,
    ) -> Verdict:
        if isinstance(self.alarm, Alarm):
            current = self.verdict.state
            return evaluate(self.alarm, history, at, current=current, extra=extra, running=self.running)
        state = self.alarm.state({name: verdict.state for name, verdict in verdicts.items()})
        return Verdict(state, self._reason(state, at, moved), at)

    def _reason(self, state: State, at: datetime, moved: Mapping[str, Verdict]) -> str:
        triggers = self._triggers(moved)
        if not triggers:
            arn = self.where.arn(self.alarm.name)
            return f"{arn} was created and its alarm rule evaluates to {state}"
        name, verdict = triggers[0]
        when = f"{at.astimezone(UTC):%A %d %B, %Y %H:%M:%S} UTC"
        return f"{self.where.arn(name)} transitioned to {verdict.state} at {when}"

    def _triggers(self, moved: Mapping[str, Verdict]) -> tuple[tuple[str, Verdict], ...]:
        if isinstance(self.alarm, Alarm):
            return ()
        return tuple((name, moved[name]) for name in self.alarm.rule.alarms if name in moved)

    def _acts(self, at: datetime, changed: bool, verdicts: Mapping[str, Verdict]) -> bool:
        if self.suppression is None:
            return changed
        suppressor = verdicts.get(self.suppression.alarm.suppressor)
        state = suppressor.state if suppressor else State.INSUFFICIENT_DATA
        return self.suppression.step(at, changed=changed, suppressor=state)
