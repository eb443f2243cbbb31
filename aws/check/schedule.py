"""When the canary comes: EventBridge Scheduler's expressions, and the longest gap between two runs.

    rate(VALUE UNIT)                                            minute(s), hour(s), day(s)
    cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)     six fields, in UTC

Source: EventBridge Scheduler User Guide, "Schedule types"; EventBridge User Guide, "Cron expressions" and
"Rate expressions" (a value of 1 takes the singular unit, any other the plural).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from aws.check.stacks import of_type
from aws.stack.intrinsics import Stack
from aws.stack.parameters import value_of
from boomerang.errors import BadInput, nearest
from boomerang.findings import Outcome, Problem

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RATE = re.compile(r"rate\((\d+) ([a-z]+)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Four years hold every month of every length; a whole number of weeks keeps the days of the week in step.
_FROM, _SPAN = date(2027, 1, 1), timedelta(weeks=4 * 53)


@dataclass(frozen=True)
class Rate:
    """Every so often, from when the schedule was made."""

    every: timedelta

    @property
    def longest_gap(self) -> timedelta:
        """The time between two runs."""
        return self.every

    def most_runs(self, days: int) -> int:
        """Return how many runs that many days in a row have at most."""
        return -(-timedelta(days=days) // self.every)


@dataclass(frozen=True)
class Cron:
    """At these minutes of these hours, on the days that the other fields name."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str

    def is_on(self, day: date) -> bool:
        """Whether it runs on that day."""
        by_month = self.day_of_month == "?" or day.day in _days_of_month(self.day_of_month, day)
        by_week = self.day_of_week == "?" or _in_week(self.day_of_week, day)
        return day.month in self.months and by_month and by_week

    @property
    def longest_gap(self) -> timedelta:
        """The longest time between two runs, found by going through the days of four years."""
        times = [timedelta(hours=hour, minutes=minute) for hour in self.hours for minute in self.minutes]
        gap = max((after - before for before, after in pairwise(times)), default=timedelta(0))
        days = [day for day in map(_day, range(_SPAN.days + 1)) if self.is_on(day)]
        between = [after - before - times[-1] + times[0] for before, after in pairwise(days)]
        return max(gap, *between) if between else _SPAN

    def most_runs(self, days: int) -> int:
        """Return how many runs that many days in a row have at most."""
        on = [self.is_on(_day(number)) for number in range(_SPAN.days)]
        most = max(sum(on[number : number + days]) for number in range(len(on) - days + 1))
        return most * len(self.hours) * len(self.minutes)


def _day(number: int) -> date:
    return _FROM + timedelta(days=number)


def read_schedule(text: str) -> Rate | Cron:
    """Return a recurring schedule.

    Raises
    ------
    BadInput
        If EventBridge Scheduler would refuse it, or it runs once or in some years only.
    """
    if found := _RATE.fullmatch(text):
        return _rate(text, int(found[1]), found[2])
    if found := _CRON.fullmatch(text):
        return _cron(text, found[1].split())
    why = "it is neither rate(VALUE UNIT) nor cron(FIELDS)"
    raise _refused(text, why, "for example rate(1 day) or cron(0 6 * * ? *)")


def _refused(text: str, why: str, do: str) -> BadInput:
    return BadInput(f"schedule '{text}'", why, do)


def _rate(text: str, value: int, unit: str) -> Rate:
    one = unit.removesuffix("s")
    if one not in _UNITS:
        raise _refused(
            text, f"there is no unit '{unit}'", nearest(unit, [*_UNITS, *(f"{u}s" for u in _UNITS)])
        )
    if value < 1:
        raise _refused(text, "its value is not positive", "give 1 or more")
    wanted = one if value == 1 else f"{one}s"
    if unit != wanted:
        raise _refused(text, f"'{unit}' does not go with {value}", f"write rate({value} {wanted})")
    return Rate(value * _UNITS[one])


def _cron(text: str, fields: Sequence[str]) -> Cron:
    if len(fields) != 6:
        why = f"it has {len(fields)} fields"
        raise _refused(text, why, "give minutes, hours, day of month, month, day of week and year")
    minutes, hours, day_of_month, month, day_of_week, year = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        why = "exactly one of day of month and day of week has to be ?"
        raise _refused(text, why, "for example cron(0 6 * * ? *)")
    if year != "*":
        raise _refused(text, f"in other years than {year} it does not run", "give * as the year")
    cron = Cron(
        _numbers(text, minutes, 0, 59),
        _numbers(text, hours, 0, 23),
        day_of_month,
        _numbers(text, month, 1, 12, _MONTHS),
        day_of_week,
    )
    _check_days(text, cron)
    return cron


def _check_days(text: str, cron: Cron) -> None:
    """Refuse day fields that cannot be read, before they are asked for each day."""
    if cron.day_of_month not in ("?", "L", "LW") and not re.fullmatch(
        r"([1-9]|[12]\d|3[01])W", cron.day_of_month
    ):
        _numbers(text, cron.day_of_month, 1, 31)
    if cron.day_of_week != "?" and not re.fullmatch(r"L|[1-7]L|[1-7]#[1-5]", _week(cron.day_of_week)):
        _numbers(text, _week(cron.day_of_week), 1, 7)


def _numbers(text: str, field: str, low: int, high: int, names: Sequence[str] = ()) -> tuple[int, ...]:
    """Return the values of a field in order: `*`, `5`, `1-5`, `0/15`, `MON`, and lists of those."""
    found: set[int] = set()
    for part in _named(field, names, low).split(","):
        match = re.fullmatch(r"(?:(\*)|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        if match is None:
            raise _refused(text, f"'{part}' in '{field}' cannot be read", "see the Scheduler's User Guide")
        every, first, last, step = match.groups()
        start = low if every else int(first)
        end = high if every or (step and not last) else int(last or first)
        if not low <= start <= end <= high or step == "0":
            raise _refused(text, f"'{part}' is not within {low} and {high}", "correct that field")
        found.update(range(start, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _named(field: str, names: Sequence[str], low: int) -> str:
    """Return a field with names as numbers: `MON-FRI` is `2-6`, `FRIL` is `6L`."""
    for number, name in enumerate(names, low):
        field = field.upper().replace(name, str(number))
    return field


def _week(field: str) -> str:
    return _named(field, _DAYS, 1)


def _days_of_month(field: str, day: date) -> tuple[int, ...]:
    last = monthrange(day.year, day.month)[1]
    if field == "L":
        return (last,)
    if field.endswith("W"):
        wanted = last if field == "LW" else int(field[:-1])
        return (_nearest_weekday(day.replace(day=min(wanted, last)), last),) if wanted <= last else ()
    return _numbers(field, field, 1, 31)


def _nearest_weekday(day: date, last: int) -> int:
    """Return the day of the month of the weekday nearest to a day, within its month."""
    match day.weekday():
        case 5:
            return day.day - 1 if day.day > 1 else day.day + 2
        case 6:
            return day.day + 1 if day.day < last else day.day - 2
    return day.day


def _in_week(field: str, day: date) -> bool:
    number, last = day.isoweekday() % 7 + 1, monthrange(day.year, day.month)[1]
    field = _week(field)
    if field == "L":
        return number == 7
    if field.endswith("L"):
        return number == int(field[0]) and day.day + 7 > last
    if "#" in field:
        return number == int(field[0]) and (day.day - 1) // 7 + 1 == int(field[2])
    return number in _numbers(field, field, 1, 7)


def check_schedules(stack: Stack) -> Outcome:
    """Read every schedule of the stack, and hold the canary's longest gap to the alarms' period."""
    period, found, said = timedelta(seconds=float(value_of(stack, "AlarmPeriodSeconds"))), [], []
    for name, properties in of_type(stack, "AWS::Scheduler::Schedule").items():
        text = str(properties["ScheduleExpression"])
        try:
            gap = read_schedule(text).longest_gap
        except BadInput as error:
            found.append(_problem(name, f"{error.what}: {error.why}; {error.do}"))
            continue
        said.append(f"{text}, at most {_words(gap)} between two runs")
        if gap > period:
            what = f"{text} leaves {_words(gap)} between two runs; AlarmPeriodSeconds is {_words(period)}"
            found.append(_problem(name, what))
        if properties.get("ScheduleExpressionTimezone", "UTC") != "UTC":
            what = "with daylight saving a day has 25 hours; leave it out, so that it is UTC"
            found.append(_problem(name, what, "ScheduleExpressionTimezone"))
    return Outcome(f"schedules: {'; '.join(said)}", tuple(found))


def _words(time: timedelta) -> str:
    minutes = time // timedelta(minutes=1)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _problem(name: str, what: str, field: str = "ScheduleExpression") -> Problem:
    return Problem(name, f"Properties.{field}", what)
