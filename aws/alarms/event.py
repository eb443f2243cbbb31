"""The event that EventBridge gets when an alarm changes its state.

Source: CloudWatch User Guide, "Alarm events and EventBridge", sample events: a metric alarm, a metric
math alarm, a composite alarm with a suppressor. A composite alarm's event carries no metric and no
dimensions; its name and description are all that can say which model group it is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws.alarms.alarm import Alarm, Query, State
from aws.alarms.composite import CompositeAlarm
from aws.alarms.judgment import Verdict
from boomerang.digest import sha256_bytes

DETAIL_TYPE = "CloudWatch Alarm State Change"
_INITIAL = "Unchecked: Initial alarm creation"


@dataclass(frozen=True)
class Where:
    """The account and region that an event is of."""

    account: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"

    def arn(self, alarm: str) -> str:
        """Return an alarm's ARN."""
        return f"arn:{self.partition}:cloudwatch:{self.region}:{self.account}:alarm:{alarm}"


def unchecked(at: datetime) -> Verdict:
    """Return the state of an alarm that was made at that time."""
    return Verdict(State.INSUFFICIENT_DATA, _INITIAL, at)


@dataclass(frozen=True)
class StateChange:
    """One change of an alarm's state.

    Attributes
    ----------
    alarm : Alarm or CompositeAlarm
    before, after : Verdict
    suppressed_by : str
        What held the actions of a composite alarm back when it changed: `WaitPeriod`, `Alarm`, or "".
    triggered_by : tuple of (str, Verdict)
        The alarms whose changes moved a composite alarm, with what they came to.
    """

    alarm: Alarm | CompositeAlarm
    before: Verdict
    after: Verdict
    suppressed_by: str = ""
    triggered_by: tuple[tuple[str, Verdict], ...] = ()

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.after.at

    @property
    def state(self) -> State:
        """The new state."""
        return self.after.state

    def event(self, where: Where | None = None) -> dict[str, Any]:
        """Return the whole body that a rule matches and a target gets."""
        where = where or Where()
        name = self.alarm.name
        identity = f"{where.arn(name)} {self.at.isoformat()} {self.state}".encode()
        digest = sha256_bytes(identity)
        return {
            "version": "0",
            "id": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])),
            "detail-type": DETAIL_TYPE,
            "source": "aws.cloudwatch",
            "account": where.account,
            "time": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": where.region,
            "resources": [where.arn(name)],
            "detail": {
                "alarmName": name,
                "state": self._state(where),
                "previousState": _plain_state(self.before),
                "configuration": _configuration(self.alarm),
            },
        }

    def _state(self, where: Where) -> dict[str, Any]:
        state = _plain_state(self.after)
        if isinstance(self.alarm, Alarm):
            return state | {"reasonData": _metric_reason(self.alarm, self.after)}
        if self.suppressed_by:
            state["actionsSuppressedBy"] = self.suppressed_by
            state["actionsSuppressedReason"] = f"Actions suppressed by {self.suppressed_by}"
        return state | {"reasonData": _composite_reason(self.triggered_by, where)}


def _plain_state(verdict: Verdict) -> dict[str, Any]:
    return {"value": str(verdict.state), "reason": verdict.reason, "timestamp": _stamp(verdict.at)}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _metric_reason(alarm: Alarm, verdict: Verdict) -> str:
    data: dict[str, Any] = {"version": "1.0", "queryDate": _stamp(verdict.at)}
    if verdict.points:
        data["startDate"] = _stamp(verdict.points[-1][0])
    if alarm.watched.statistic is not None:
        data["statistic"] = str(alarm.watched.statistic)
    recent = [value for _, value in reversed(verdict.points)]
    data |= {"period": alarm.period, "recentDatapoints": recent, "threshold": alarm.threshold}
    return json.dumps(data, separators=(",", ":"))


def _composite_reason(triggered_by: tuple[tuple[str, Verdict], ...], where: Where) -> str:
    alarms = [
        {"arn": where.arn(name), "state": {"value": str(child.state), "timestamp": _stamp(child.at)}}
        for name, child in triggered_by
    ]
    return json.dumps({"triggeringAlarms": alarms}, separators=(",", ":"))


def _configuration(alarm: Alarm | CompositeAlarm) -> dict[str, Any]:
    described = {"description": alarm.description} if alarm.description else {}
    if isinstance(alarm, Alarm):
        return {**described, "metrics": [_query(query, alarm.period) for query in alarm.queries]}
    configuration = {**described, "alarmRule": alarm.rule.text}
    if not alarm.suppressor:
        return configuration
    return {
        **configuration,
        "actionsSuppressor": alarm.suppressor,
        "actionsSuppressorWaitPeriod": alarm.wait_s,
        "actionsSuppressorExtensionPeriod": alarm.extension_s,
    }


def _query(query: Query, period: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": query.id, "returnData": query.returned}
    if query.label:
        entry["label"] = query.label
    if query.metric is None:
        return {**entry, "expression": query.expression}
    metric = {
        "dimensions": dict(query.metric.dimensions),
        "name": query.metric.name,
        "namespace": query.metric.namespace,
    }
    return {**entry, "metricStat": {"metric": metric, "period": period, "stat": str(query.statistic)}}
