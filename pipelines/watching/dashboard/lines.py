"""What a graph of the body shows: its metrics, searches and metric math, over the samples of local runs.

A metric keeps every sample; CloudWatch would draw one point a period. Runs on a laptop are minutes apart,
and folding a day of them into one point would hide what they were made for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws.alarms.alarm import Metric
from aws.alarms.metric_math import compute
from aws.dashboard.search import read_search
from pipelines.watching.dashboard.workspace import Sample

Samples = Mapping[Metric, list[Sample]]

_DIMENSION = re.compile(r"\$\{PROP\('Dim\.(\w+)'\)\}")


@dataclass(frozen=True)
class Line:
    """One line of a graph: its name in the legend, and its samples, the oldest first."""

    label: str
    samples: tuple[Sample, ...]


def lines_of(properties: Mapping[str, Any], samples: Samples) -> list[Line]:
    """Return the lines that a metric widget shows; those without a single sample are left out.

    Raises
    ------
    BadInput
        If an expression is not understood; `check_dashboard` finds it beforehand.
    """
    known: dict[str, tuple[Sample, ...]] = {}
    lines: list[Line] = []
    for entry in properties["metrics"]:
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        found = list(_found(entry, options, samples, known))
        if "id" in options:
            known[options["id"]] = found[0].samples if found else ()
        if options.get("visible", True):
            lines += [line for line in found if line.samples]
    return lines


def _found(
    entry: list[Any], options: Mapping[str, Any], samples: Samples, known: Mapping[str, tuple[Sample, ...]]
) -> Iterator[Line]:
    expression = str(options.get("expression", ""))
    if "SEARCH" in expression:
        yield from _searched(expression, str(options["label"]), samples)
    elif expression:
        yield Line(str(options["label"]), _computed(expression, known))
    else:
        words = entry[:-1] if options else entry
        dimensions = tuple(sorted(zip(words[2::2], words[3::2], strict=True)))
        metric = Metric(words[0], words[1], dimensions)
        yield Line(str(options.get("label", words[1])), tuple(samples.get(metric, ())))


def _searched(expression: str, label: str, samples: Samples) -> Iterator[Line]:
    search = read_search(expression)
    found = sorted((metric for metric in samples if search.finds(metric)), key=_in_order)
    for metric in found:
        values = dict(metric.dimensions)
        name = _DIMENSION.sub(lambda free, values=values: values[free[1]], label)  # type: ignore[misc]
        scaled = [Sample(s.time, s.value / search.divisor, s.run) for s in samples[metric]]
        yield Line(name, tuple(scaled))


def _in_order(metric: Metric) -> list[tuple[int, str]]:
    """Sort by dimensions, numbers by their value: version 10 comes after version 9."""
    return [(int(value) if value.isdecimal() else 0, value) for _, value in metric.dimensions]


def _computed(expression: str, known: Mapping[str, tuple[Sample, ...]]) -> tuple[Sample, ...]:
    """Return metric math over samples of the same run."""
    at = {(s.time, s.run): None for samples in known.values() for s in samples}
    moments = sorted(at)
    series = {
        name: tuple({(s.time, s.run): s.value for s in samples}.get(moment) for moment in moments)
        for name, samples in known.items()
    }
    values = compute(expression, series, tuple(series))
    return tuple(
        Sample(time, value, run)
        for (time, run), value in zip(moments, values, strict=True)
        if value is not None
    )
