"""The template's alarms, played: histories driven through every alarm, to the events that its rules match.

Each alarm on its own is driven to its threshold and beyond. Then all of them together, as the canary would
feed them, to the composite alarm and the pattern of the function's rule. A history is a row of periods:

    G   a good point: at the threshold      W   a bad and a good one in the same period
    B   a bad point: just beyond it         .   none

CloudWatch's rules are those of `aws.alarms`; docs/alarms.md says where they are documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from aws.alarms import Alarm, CompositeAlarm, MetricHistory, Played, State, play, play_all, read_alarms
from aws.alarms.alarm import Metric, Missing
from aws.check.patterns import matches
from aws.check.stacks import of_type
from aws.check.template import alarm_ids
from aws.stack.intrinsics import Stack
from aws.stack.parameters import value_of
from boomerang.findings import Outcome, Problem
from boomerang.watching.metric_names import METRICS, NAMESPACE

# Of these less is worse; of every other metric here more is.
_LESS_IS_WORSE = {"CanaryAccuracy", "CleanAccuracy", "CanaryRan"}
_START = datetime(2027, 3, 1, tzinfo=UTC)
# Points do not come to the minute: how much later each of a row of them is, as a share of a period.
_LATE = (0.02, 0.05, 0.01, 0.04, 0.03)
# A rule that brings an alarm's event to the function.
_REJECTS = "ModelDegradedRule"


class Points(MetricHistory):
    """A history of metrics of any namespace."""

    def point(self, metric: Metric, at: datetime, value: float) -> None:
        """Take one value, which arrives at once."""
        self._data[metric].append((at, at, value))


@dataclass(frozen=True)
class Story:
    """One history of an alarm, and what it has to come to.

    Attributes
    ----------
    row : str
        One character a period, see the module.
    alarms : bool
        Whether the alarm has to be in ALARM at some time.
    why : str
        What has gone wrong if it is not so.
    """

    row: str
    alarms: bool
    why: str


def check_played(stack: Stack) -> list[Outcome]:
    """Play every alarm of the stack, one outcome each; then all of them together."""
    ids = alarm_ids(stack)
    alarms = read_alarms(stack.resources)
    every = timedelta(seconds=float(value_of(stack, "AlarmPeriodSeconds")))
    singly = [alone(each, ids[each.name], every) for each in alarms if isinstance(each, Alarm)]
    whole = Whole(stack, alarms, ids)
    composites = [each for each in alarms if isinstance(each, CompositeAlarm)]
    return [*singly, *(whole.outcome(each) for each in composites), _heard(stack, composites)]


def _heard(stack: Stack, composites: Sequence[CompositeAlarm]) -> Outcome:
    """Ask of every alarm whether somebody hears of it."""
    named = {name for composite in composites for name in composite.rule.alarms}
    ids = alarm_ids(stack)
    silent = [
        Problem(
            logical, "Properties.AlarmActions", "nobody hears of it: it has none, and no composite names it"
        )
        for name, logical in ids.items()
        if not stack.resources[logical]["Properties"].get("AlarmActions") and name not in named
    ]
    return Outcome(f"played: {len(ids)} alarms, somebody hears of each", tuple(silent))


# ---- One alarm


def alone(alarm: Alarm, logical: str, every: timedelta) -> Outcome:
    """Drive one alarm by its own metric; the canary comes `every` so often, where the alarm waits for it.

    Parameters
    ----------
    alarm : Alarm
    logical : str
        Its id in the template.
    every : timedelta
    """
    period = timedelta(seconds=alarm.period)
    if _asks_for_presence(alarm):
        stories = [Story("GGGGGG", False, "it is in ALARM though every period has a point")]
        stories.append(Story("GGG..GG", True, "it is not in ALARM though points are missing"))
        period = every
        said = f"in ALARM when nothing came for {_words(alarm.period)}, not before"
    else:
        stories = list(_stories(alarm.datapoints, alarm.periods))
        said = _said(alarm)
    problems = tuple(
        Problem(logical, _field(story), f"{story.why} ({story.row}, B beyond {alarm.threshold:g})")
        for story in stories
        if _comes_to_alarm(alarm, story.row, period) is not story.alarms
    )
    return Outcome(f"played: {alarm.name} is {said}", problems)


def _field(story: Story) -> str:
    return "Properties.TreatMissingData" if "." in story.row else "Properties"


def _said(alarm: Alarm) -> str:
    words = f"{alarm.comparison.words} {alarm.threshold:g}"
    if alarm.datapoints == 1:
        return f"in ALARM on one point {words}, not at {alarm.threshold:g}"
    few = "one" if alarm.datapoints == 2 else str(alarm.datapoints - 1)
    return f"in ALARM on {alarm.datapoints} of {alarm.periods} points {words}, not on {few}"


def _stories(m: int, n: int) -> Iterator[Story]:
    """Yield what has to be so of every alarm that asks for M of N points."""
    good = "G" * (n + 2)
    yield Story(good, False, "it is in ALARM at its threshold, or on good points")
    yield Story(good + "B" * m + good, True, f"{m} bad points of {n} do not raise it")
    yield Story(good + "W" * m + good, True, "a bad point is hidden by a good one in the same period")
    yield Story(good + "B" * (m - 1) + good, False, f"{m - 1} bad points of {n} raise it")
    if m > 1:
        apart = "G" * (n - m)
        yield Story(
            good + "B" * (m - 1) + apart + "B" + good, True, f"{m} bad points of {n} apart do not raise it"
        )
        yield Story(f"{good}..B..", False, "one bad point among missing ones raises it")
        yield Story("..B...", False, "one bad point and nothing else raises it")
    yield Story(good + "." * (n + 2), False, "it is in ALARM though nothing is measured")


def _comes_to_alarm(alarm: Alarm, row: str, period: timedelta) -> bool:
    history = Points()
    for at, kind in _rowed(row, period):
        for metric, value in _values(alarm, bad=kind == "B"):
            history.point(metric, at, value)
    end = _START + period * len(row)
    # An alarm on absence may be on for minutes only, between a window's end and a late point.
    step = period / (96 if _asks_for_presence(alarm) else 12)
    changes = play(alarm, history, _START + period, end, max(timedelta(minutes=1), step))
    return any(change.state is State.ALARM for change in changes)


def _rowed(row: str, period: timedelta) -> Iterator[tuple[datetime, str]]:
    """Yield when each point of a row comes, and whether it is `G` or `B`."""
    for number, kind in enumerate(row):
        at = _START + period * (number + 0.5 + _LATE[number % len(_LATE)])
        for each in {"W": "BG", ".": ""}.get(kind, kind):
            yield at, each


def _values(alarm: Alarm, *, bad: bool) -> Iterator[tuple[Metric, float]]:
    """Yield what each metric of an alarm is: at the threshold, or just beyond it."""
    for query in alarm.queries:
        if query.metric is not None:
            slight = max(abs(alarm.threshold), 1.0) * 1e-6
            worse = -slight if query.metric.name in _LESS_IS_WORSE else slight
            yield query.metric, alarm.threshold + (worse if bad else 0.0)


def _asks_for_presence(alarm: Alarm) -> bool:
    return alarm.treatment is Missing.BREACHING and any("FILL" in query.expression for query in alarm.queries)


# ---- All of them, as the canary feeds them


@dataclass(frozen=True)
class Whole:
    """All alarms of a stack, fed by one canary."""

    stack: Stack
    alarms: Sequence[Alarm | CompositeAlarm]
    ids: Mapping[str, str]

    def outcome(self, composite: CompositeAlarm) -> Outcome:
        """Drive a composite alarm by each alarm that it names, and count the events that the rule takes."""
        judges = [
            each for each in self.alarms if isinstance(each, Alarm) and each.name in composite.rule.alarms
        ]
        if not judges:
            problem = Problem(
                self.ids[composite.name], "Properties.AlarmRule", "it names no alarm on a metric"
            )
            return Outcome(f"played: {composite.name}", (problem,))
        found = [problem for judge in judges for problem in self._by(judge, composite)]
        found += self._without_canary(composite, judges)
        m, n = judges[0].datapoints, judges[0].periods
        said = (
            f"played: {composite.name} brings one event to the function on {m} bad canaries of {n}, none on "
        )
        return Outcome(f"{said}{m - 1}, none when no canary runs", tuple(found))

    def _by(self, judge: Alarm, composite: CompositeAlarm) -> Iterator[Problem]:
        good, name = "G" * (judge.periods + 1), self.ids[composite.name]
        for row, wanted in (
            (good + "B" * judge.datapoints + good, 1),
            (good + "B" * (judge.datapoints - 1) + good, 0),
            (good, 0),
        ):
            count = len(self.events(self.fed(row, judge), composite))
            if count != wanted:
                what = (
                    f"{count} events reach the function by {self.ids[judge.name]} on {row}, expected {wanted}"
                )
                yield Problem(name, "Properties.AlarmRule", what)

    def _without_canary(self, composite: CompositeAlarm, judges: Sequence[Alarm]) -> Iterator[Problem]:
        name = self.ids[composite.name]
        one = "B" if judges[0].datapoints > 1 else "G"
        of = self.fed(f"GGG{one}....", judges[0])
        if self.events(of, composite):
            yield Problem(name, "Properties.AlarmRule", "a canary that is missing rejects the model")
        if composite.suppressor and State.ALARM not in {state for _, state in of.of(composite.suppressor)}:
            what = f"{composite.suppressor} is not in ALARM when no canary runs, so it suppresses nothing"
            yield Problem(name, "Properties.ActionsSuppressor", what)

    def fed(self, row: str, judge: Alarm) -> Played:
        """Play a row of canaries; in the bad ones what `judge` watches is beyond its threshold."""
        period, history = timedelta(seconds=judge.period), Points()
        for at, kind in _rowed(row, period):
            for metric, value in self._canary(judge, bad=kind == "B").items():
                history.point(metric, at, value)
        end = _START + period * (len(row) + 1)
        return play_all(self._watching, history, _START + period, end, period / 8)

    @cached_property
    def _watching(self) -> list[Alarm | CompositeAlarm]:
        """The alarms that a canary feeds, and those over them."""
        return [each for each in self.alarms if isinstance(each, CompositeAlarm) or _is_ours(each)]

    def _canary(self, judge: Alarm, *, bad: bool) -> dict[Metric, float]:
        alarms = [each for each in self._watching if isinstance(each, Alarm)]
        return {
            metric: value for each in alarms for metric, value in _values(each, bad=bad and each is judge)
        }

    def events(self, of: Played, composite: CompositeAlarm) -> list[Mapping[str, object]]:
        """Return the events of a composite alarm that the rule of the function takes."""
        rule = of_type(self.stack, "AWS::Events::Rule").get(_REJECTS, {})
        made = [change.event() for change in of.changes if change.alarm.name == composite.name]
        return [event for event in made if "EventPattern" in rule and matches(rule["EventPattern"], event)]


def _is_ours(alarm: Alarm) -> bool:
    return all(
        query.metric.namespace == NAMESPACE and query.metric.name in METRICS
        for query in alarm.queries
        if query.metric is not None
    )


def _words(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"
