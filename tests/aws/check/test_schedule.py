"""Schedules, held against another reading of the same documentation: pyawscron's.

Left out is where that one stops with an error: `LW`, and days that some months do not have.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyawscron import AWSCron

from aws.check.schedule import Cron, read_schedule

FROM, DAYS = datetime(2027, 1, 1, tzinfo=UTC), 430


def oracle(fields: str, days: int = DAYS) -> list[datetime]:
    """Return when it runs within that many days."""
    until = FROM + timedelta(days=days, seconds=-1)
    return list(AWSCron.get_all_schedule_bw_dates(FROM - timedelta(minutes=1), until, fields))


def ours(fields: str, days: int = DAYS) -> list[datetime]:
    cron = read_schedule(f"cron({fields})")
    assert isinstance(cron, Cron)
    on = [day for day in (FROM + timedelta(days=n) for n in range(days)) if cron.is_on(day.date())]
    return [
        day + timedelta(hours=hour, minutes=minute)
        for day in on
        for hour in cron.hours
        for minute in cron.minutes
    ]


@pytest.mark.parametrize(
    "fields",
    [
        *("0 6 * * ? *", "15 10 ? * MON-FRI *", "0 18 ? * 2-6 *", "0 8 1 * ? *", "0 9 L * ? *"),
        *("0 9 15W * ? *", "0 9 ? * 6L *", "0 9 ? * 3#2 *", "30 4 1/9 * ? *"),
        *("0 0 1,15 JAN-JUN ? *", "0 5 ? 3/3 SUN *", "0 6 1W * ? *", "0 6 31W * ? *"),
    ],
)
def test_a_cron_schedule_runs_when_another_reader_says(fields: str) -> None:
    assert ours(fields) == oracle(fields)


NUMBERS = st.integers(0, 23)


@settings(max_examples=40, deadline=None)
@given(NUMBERS, NUMBERS, st.sampled_from(["*", "1-10", "5/7"]), st.sampled_from(["*", "2,7", "FEB-NOV"]))
def test_so_do_times_within_a_day(minute: int, hour: int, days: str, months: str) -> None:
    fields = f"{minute}/25 {hour}-23/5 {days} {months} ? *"
    assert ours(fields, 70) == oracle(fields, 70)


@pytest.mark.parametrize("fields", ["0 6 ? * MON-FRI *", "0 6,18 1 * ? *"])
def test_the_longest_gap_is_the_longest_between_two_of_its_runs(fields: str) -> None:
    cron = read_schedule(f"cron({fields})")
    years = (date(2031, 1, 1) - date(2027, 1, 1)).days
    gaps = [after - before for before, after in pairwise(oracle(fields, years))]
    assert cron.longest_gap >= max(gaps, default=timedelta(0))
    if len(gaps) > 12:
        assert cron.longest_gap == max(gaps)
