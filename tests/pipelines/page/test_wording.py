"""How numbers are written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.page.wording import percent


def test_percent_is_never_rounded_to_an_absolute() -> None:
    assert percent(0) == "0.0%"
    assert percent(1) == "100.0%"
    assert percent(0.00001) == "<0.1%"
    assert percent(0.99999) == ">99.9%"
    assert percent(0.9996, 0) == ">99%"
    assert percent(-0.013) == "−1.3%"
    assert percent(-0.0003) == "−0.03%"
    assert percent(-0.00001) == "−0.001%"
    assert percent(None) == "–"


@given(st.floats(-1, 1))
def test_percent_is_within_half_a_step(value: float) -> None:
    text = percent(value)
    if text[0] not in "<>":
        assert abs(float(text.rstrip("%").replace("−", "-")) - value * 100) <= 0.0500001
