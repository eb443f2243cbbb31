"""The numbers on an axis are round, within it, and in their places."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.page.axes import Frame, ticks


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e6), st.integers(2, 6))
def test_ticks_are_within_the_axis_and_not_too_many(low: float, length: float, count: int) -> None:
    shown = ticks(low, low + length, count)
    assert shown == sorted(set(shown)), "no number is there twice"
    error = 1e-5 * max(abs(low), length)
    assert all(low - error <= tick <= low + length + error for tick in shown)
    assert len(shown) <= count + 1


def test_ticks_are_round() -> None:
    assert ticks(0.0, 1.0, 4) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert ticks(-3.0, 11.0) == [0.0, 5.0, 10.0]


def test_the_area_lies_within_its_margins() -> None:
    frame = Frame(200, 100, left=40, right=10, top=5, bottom=20)
    assert (frame.x(0), frame.x(1), frame.y(0), frame.y(1)) == (40, 190, 80, 5)
    across, upright = frame.across(50.0, "grid"), frame.upright(60.0, "limit")
    assert re.findall(r'[xy]\d="(\d+)"', across) == ["40", "190", "50", "50"]
    assert re.findall(r'[xy]\d="(\d+)"', upright) == ["60", "60", "5", "80"]
    assert frame.below(60.0, "<b>", line=1).endswith(">&lt;b&gt;</text>")
