"""Search expressions of CloudWatch, where the set of metrics is open: versions, classes, triggers, steps.

    SEARCH('{Boomerang,Group,Class} MetricName="CanaryAccuracy" Group="birds"', 'Minimum', 86400)

Words in double quotes are matched exactly, others in parts: without them `Group=bird` would find
`birds` too. A search in an expression may be divided by a number, which converts its unit.
Source: CloudWatch User Guide, "CloudWatch search expression syntax" and "Using metric math" (an
operator between a scalar and an array of time series).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aws.alarms.alarm import Metric, Statistic
from boomerang.errors import BadInput

_FORM = re.compile(
    r"SEARCH\('\{(?P<schema>[^{}']+)\} (?P<terms>[^']+)', '(?P<stat>\w+)', (?P<period>\d+)\)"
    r"(?:/(?P<divisor>\d+))?"
)
_TERM = re.compile(r'([A-Za-z]+)="([^"\']*)"')


@dataclass(frozen=True)
class Search:
    """One search.

    Attributes
    ----------
    namespace, name : str
        Of the metrics that are looked for.
    dimensions : tuple of str
        They have these dimensions, and no others.
    where : mapping of str to str
        The values of some of them.
    statistic : Statistic
    period : int
        Seconds.
    divisor : int
        The values are divided by it.
    """

    namespace: str
    name: str
    dimensions: tuple[str, ...]
    where: Mapping[str, str]
    statistic: Statistic
    period: int
    divisor: int = 1

    @property
    def expression(self) -> str:
        """As CloudWatch takes it."""
        schema = ",".join((self.namespace, *self.dimensions))
        terms = " ".join(f'{key}="{value}"' for key, value in {"MetricName": self.name, **self.where}.items())
        divided = f"/{self.divisor}" if self.divisor != 1 else ""
        return f"SEARCH('{{{schema}}} {terms}', '{self.statistic}', {self.period}){divided}"

    def finds(self, metric: Metric) -> bool:
        """Whether a metric is among those that are looked for."""
        values = dict(metric.dimensions)
        return (
            (metric.namespace, metric.name) == (self.namespace, self.name)
            and sorted(values) == sorted(self.dimensions)
            and all(values[key] == value for key, value in self.where.items())
        )

    def label(self, metric: Metric) -> str:
        """Return what tells a metric that was found from the others: its free dimensions."""
        return " ".join(value for key, value in metric.dimensions if key not in self.where)


def read_search(expression: str) -> Search:
    """Return the search that an expression is; `read_search(s.expression) == s`.

    Raises
    ------
    BadInput
        If it is no search, or one in a form that this project does not write.
    """
    found = _FORM.fullmatch(expression)
    terms = _TERM.findall(found["terms"]) if found else []
    if found is None or _TERM.sub("", found["terms"]).strip() or found["stat"] not in list(Statistic):
        raise _unread(expression, "it is not in the form that is written here")
    where = dict(terms)
    namespace, *dimensions = found["schema"].split(",")
    if (
        "MetricName" not in where
        or len(where) != len(terms)
        or not where.keys() - {"MetricName"} <= {*dimensions}
    ):
        raise _unread(expression, "its terms are not MetricName and dimensions of its schema, each once")
    name = where.pop("MetricName")
    return Search(
        namespace, name, tuple(dimensions), where, Statistic(found["stat"]), int(found["period"]),
        int(found["divisor"] or 1),
    )  # fmt: skip


def _unread(expression: str, why: str) -> BadInput:
    form = """SEARCH('{Namespace,Dimension} MetricName="Name" Dimension="value"', 'Statistic', 86400)"""
    return BadInput(f"search expression {expression!r}", why, f"write {form}")
