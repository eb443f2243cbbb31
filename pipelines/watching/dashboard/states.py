"""The states in which the alarms would be, had the numbers of the local runs gone to CloudWatch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws.alarms import Alarm, CompositeAlarm, MetricHistory, State, play_all
from aws.alarms.series import HOUR
from boomerang.watching.metric_names import EXCHANGED, NAMESPACE, Datum

# Alarms look back days; what is older than this cannot matter to their state but through `ignore`.
_LONGEST = timedelta(days=60)


@dataclass(frozen=True)
class Standing:
    """How one alarm stands.

    Attributes
    ----------
    name, description : str
    state : State or None
        None where it watches what a laptop does not have, such as a queue or a registry of AWS.
    since : datetime or None
    reason : str
    """

    name: str
    description: str
    state: State | None = None
    since: datetime | None = None
    reason: str = ""


def standings(
    alarms: Sequence[Alarm | CompositeAlarm], data: Sequence[Datum], now: datetime
) -> dict[str, Standing]:
    """Return how every alarm stands at `now`, by name.

    Parameters
    ----------
    alarms : sequence
        Those of the template.
    data : sequence of Datum
        What was measured; what is later than `now` has not been.
    now : datetime
        With its zone.
    """
    past = [datum for datum in data if datum.time <= now]
    played = [alarm for alarm in alarms if _is_local(alarm)]
    standing = {alarm.name: Standing(alarm.name, alarm.description) for alarm in alarms}
    if not past:
        return standing
    hours = (now - max(min(datum.time for datum in past), now - _LONGEST)) // HOUR
    for alarm in played:
        why = "Nothing was measured yet that it could judge by."
        standing[alarm.name] = Standing(alarm.name, alarm.description, State.INSUFFICIENT_DATA, None, why)
    # The last evaluation is that of `now`, and none waits for the end of an hour, as CloudWatch does: what
    # has just ended counts, or the page would call a canary missing beside its own numbers.
    for change in play_all(played, MetricHistory(past), now - hours * HOUR, now, running=True).changes:
        name = change.alarm.name
        found = Standing(name, change.alarm.description, change.state, change.at, change.after.reason)
        standing[name] = found
    if not any(datum.name == "CanaryRan" for datum in past):
        # Runs stand in for what canaries measure, but nobody misses a canary where none was ever asked.
        for name in {alarm.suppressor for alarm in played if isinstance(alarm, CompositeAlarm)} - {""}:
            why = "No canary ran yet, so none is missing; the other alarms look at the runs."
            standing[name] = Standing(name, standing[name].description, State.INSUFFICIENT_DATA, None, why)
    return standing


def _is_local(alarm: Alarm | CompositeAlarm) -> bool:
    if isinstance(alarm, CompositeAlarm):
        return True
    metrics = [query.metric for query in alarm.queries if query.metric is not None]
    return all(metric.namespace == NAMESPACE and metric.name != EXCHANGED for metric in metrics)
