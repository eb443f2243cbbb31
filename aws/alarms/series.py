"""What was published, and what CloudWatch would make of it: one data point a period.

A datum has the time it was measured and the time it arrived; an evaluation sees only what had arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aws.alarms.alarm import Metric, Statistic
from boomerang.watching.metric_names import NAMESPACE, Datum

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Series = tuple[float | None, ...]  # one value a period, the oldest first; None where data is missing

_STATISTICS: dict[Statistic, Callable[[Sequence[float]], float]] = {
    Statistic.AVERAGE: lambda values: sum(values) / len(values),
    Statistic.MINIMUM: min,
    Statistic.MAXIMUM: max,
    Statistic.SUM: sum,
    Statistic.SAMPLE_COUNT: lambda values: float(len(values)),
}


@dataclass(frozen=True)
class Windows:
    """The periods that one evaluation looks at, the newest ending at `end`.

    A period holds its first instant and not its last.
    """

    end: datetime
    period: timedelta
    count: int

    @property
    def starts(self) -> tuple[datetime, ...]:
        """When each period starts, the oldest first."""
        return tuple(self.end - self.period * back for back in range(self.count, 0, -1))

    def index(self, time: datetime) -> int | None:
        """Which period holds a time, 0 the oldest; None where none does."""
        back = -((time - self.end) // self.period)
        return self.count - back if 1 <= back <= self.count else None


def sliding(at: datetime, period_s: int, periods: int, count: int, *, running: bool = False) -> Windows:
    """Return the last `count` periods as an evaluation at `at` sees them.

    The windows slide: they end at the current minute, not at a multiple of the period. An alarm whose
    periods together exceed one day is evaluated once an hour, on data up to the full hour.
    Source: CloudWatch User Guide, "Evaluating an alarm" and "Example of evaluating a multi-day alarm".

    With `running` they end with the minute that is running, whatever the alarm: what CloudWatch would come
    to within the hour, said at once.
    """
    period = timedelta(seconds=period_s)
    if running:
        return Windows(at - (at - _EPOCH) % MINUTE + MINUTE, period, count)
    grain = HOUR if period * periods > DAY else MINUTE
    return Windows(at - (at - _EPOCH) % grain, period, count)


class MetricHistory:
    """Data points by metric.

    Parameters
    ----------
    data : iterable of Datum
        Metrics of this project, as they are published.
    """

    def __init__(self, data: Iterable[Datum] = ()) -> None:
        self._data: dict[Metric, list[tuple[datetime, datetime, float]]] = defaultdict(list)
        for datum in data:
            self.add(datum)

    def add(self, datum: Datum, *, arrived: datetime | None = None) -> None:
        """Take one datum; `arrived` is when CloudWatch had it, where that is later than its own time."""
        metric = Metric(NAMESPACE, datum.name, datum.dimensions)
        self._data[metric].append((datum.time, arrived or datum.time, datum.value))

    def series(self, metric: Metric, statistic: Statistic, windows: Windows, seen_at: datetime) -> Series:
        """Return the data point of each period, from what had arrived at `seen_at`."""
        values: dict[int, list[float]] = defaultdict(list)
        for time, arrived, value in self._data.get(metric, ()):
            index = windows.index(time)
            if index is not None and arrived <= seen_at:
                values[index].append(value)
        summary = _STATISTICS[statistic]
        return tuple(summary(values[i]) if i in values else None for i in range(windows.count))
