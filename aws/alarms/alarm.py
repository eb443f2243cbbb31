"""A metric alarm as CloudFormation describes it, read into a frozen value.

Only what this project's alarms use is read. Anything else that would change how an alarm is evaluated
(percentiles, anomaly detection, wall clock windows, PromQL) is refused by its name, so that the
evaluator never passes judgment on an alarm that it does not understand.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from boomerang.errors import BadInput, nearest

METRIC_ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM = "AWS::CloudWatch::CompositeAlarm"


class State(StrEnum):
    """The three states of every alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What `TreatMissingData` makes of a data point that is not there."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Statistic(StrEnum):
    """How the values of one period become its data point."""

    AVERAGE = "Average"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    SUM = "Sum"
    SAMPLE_COUNT = "SampleCount"


class Comparison(StrEnum):
    """`ComparisonOperator`: the data point stands on the left, the threshold on the right."""

    GREATER = "GreaterThanThreshold"
    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"

    def holds(self, value: float, threshold: float) -> bool:
        """Whether a data point breaches the threshold."""
        return _HOLDS[self](value, threshold)

    @property
    def words(self) -> str:
        """As CloudWatch says it in a reason: `less than`."""
        return _WORDS[self]


_HOLDS: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
}
_WORDS = {
    Comparison.GREATER: "greater than",
    Comparison.GREATER_OR_EQUAL: "greater than or equal to",
    Comparison.LESS: "less than",
    Comparison.LESS_OR_EQUAL: "less than or equal to",
}


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch: its name together with its dimensions, sorted by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Query:
    """One entry of `Metrics`: a metric with its statistic, or an expression over other entries."""

    id: str
    metric: Metric | None = None
    statistic: Statistic | None = None
    expression: str = ""
    label: str = ""
    returned: bool = True


@dataclass(frozen=True)
class Alarm:
    """A metric alarm.

    Attributes
    ----------
    name, description : str
    queries : tuple of Query
        One metric, or the entries of a metric math alarm; exactly one of them is `returned`.
    period : int
        Seconds of one data point.
    periods, datapoints : int
        N and M of "M out of N".
    threshold : float
    comparison : Comparison
    missing : Missing or None
        None where the template does not say; CloudWatch then takes `missing`.
    """

    name: str
    queries: tuple[Query, ...]
    period: int
    periods: int
    datapoints: int
    threshold: float
    comparison: Comparison
    missing: Missing | None = None
    description: str = ""

    @property
    def treatment(self) -> Missing:
        """How missing data is treated, the service's default included."""
        return self.missing or Missing.MISSING

    @property
    def watched(self) -> Query:
        """The entry whose data points are compared with the threshold."""
        return next(query for query in self.queries if query.returned)

    def breaches(self, value: float) -> bool:
        """Whether one data point is outside the threshold."""
        return self.comparison.holds(value, self.threshold)


Word = TypeVar("Word", bound=StrEnum)

_READ = frozenset(
    {
        "AlarmName", "AlarmDescription", "MetricName", "Namespace", "Dimensions", "Statistic", "Period",
        "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
        "Metrics",
    }
)  # fmt: skip
# These change what an alarm does with its state, or how it is found, but not the state itself.
_WITHOUT_EFFECT = frozenset(
    {"ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions", "Tags", "Unit"}
)


class Properties:
    """The properties of one resource, each read with its type checked and a clear error.

    Raises
    ------
    BadInput
        From every method, naming the alarm and the property.
    """

    def __init__(self, where: str, content: Mapping[str, Any]) -> None:
        self.where, self.content = where, content

    def refuse(self, key: str, why: str, do: str) -> BadInput:
        """Return the error about one property."""
        return BadInput(f"alarm '{self.where}': {key}", why, do)

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Refuse properties that the evaluator does not understand."""
        for key in self.content:
            if key not in known:
                raise self.refuse(key, "the evaluator does not understand it", nearest(key, known))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.content.get(key, default)
        if not isinstance(value, str):
            raise self.refuse(key, f"it is {value!r}", "give a text, with references resolved")
        return value

    def number(self, key: str) -> float:
        """Return a number; CloudFormation also takes one written as a text."""
        value = self.content.get(key)
        try:
            number = float(value) if isinstance(value, int | float | str) else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.refuse(key, f"it is {value!r}", "give a number, with parameters resolved")
        return number

    def whole(self, key: str) -> int:
        """Return a whole number of at least 1."""
        value = self.number(key)
        if value != int(value) or value < 1:
            raise self.refuse(key, f"it is {value:g}", "give a whole number of at least 1")
        return int(value)

    def word(self, key: str, kind: type[Word]) -> Word:
        """Return one of the words that an enumeration knows."""
        value = self.text(key)
        if value not in list(kind):
            raise self.refuse(key, f"the evaluator does not know '{value}'", nearest(value, list(kind)))
        return kind(value)


def read_alarm(logical_id: str, resource: Mapping[str, Any]) -> Alarm:
    """Return the alarm that a resource of type `AWS::CloudWatch::Alarm` describes.

    Parameters
    ----------
    logical_id : str
        Stands for the name where the resource gives none.
    resource : mapping
        The resource, its parameters and references resolved.

    Raises
    ------
    BadInput
        If a property is missing, of the wrong type, or not understood.
    """
    of = Properties(logical_id, resource.get("Properties", {}))
    of.refuse_unknown(_READ | _WITHOUT_EFFECT)
    queries, period = _math(of) if "Metrics" in of.content else _single(of)
    periods = of.whole("EvaluationPeriods")
    return Alarm(
        name=of.text("AlarmName", logical_id),
        description=of.text("AlarmDescription", ""),
        queries=queries,
        period=period,
        periods=periods,
        datapoints=of.whole("DatapointsToAlarm") if "DatapointsToAlarm" in of.content else periods,
        threshold=of.number("Threshold"),
        comparison=of.word("ComparisonOperator", Comparison),
        missing=of.word("TreatMissingData", Missing) if "TreatMissingData" in of.content else None,
    )


def _single(of: Properties) -> tuple[tuple[Query, ...], int]:
    metric = _metric(of)
    return (Query("m1", metric, of.word("Statistic", Statistic)),), of.whole("Period")


def _metric(of: Properties) -> Metric:
    pairs = [Properties(of.where, entry) for entry in of.content.get("Dimensions", ())]
    dimensions = tuple(sorted((pair.text("Name"), pair.text("Value")) for pair in pairs))
    return Metric(of.text("Namespace"), of.text("MetricName"), dimensions)


def _math(of: Properties) -> tuple[tuple[Query, ...], int]:
    read = [_query(Properties(of.where, entry)) for entry in of.content["Metrics"]]
    queries = tuple(query for query, _ in read)
    periods = {period for _, period in read if period}
    if len(periods) != 1:
        raise of.refuse("Metrics", f"their periods are {sorted(periods)}", "give every metric the same one")
    if sum(query.returned for query in queries) != 1:
        why = f"{sum(query.returned for query in queries)} entries return data"
        raise of.refuse("Metrics", why, "set ReturnData to true on the one that the alarm watches")
    return queries, periods.pop()


def _query(of: Properties) -> tuple[Query, int]:
    of.refuse_unknown(frozenset({"Id", "MetricStat", "Expression", "Label", "ReturnData", "Period"}))
    returned = of.content.get("ReturnData", True) in (True, "true")
    query = Query(of.text("Id"), label=of.text("Label", ""), returned=returned)
    if "MetricStat" not in of.content:
        period = of.whole("Period") if "Period" in of.content else 0
        return replace(query, expression=of.text("Expression")), period
    stat = Properties(of.where, of.content["MetricStat"])
    metric = _metric(Properties(of.where, stat.content.get("Metric", {})))
    return replace(query, metric=metric, statistic=stat.word("Stat", Statistic)), stat.whole("Period")
