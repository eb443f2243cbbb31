"""The schema of `metrics.json`: what its numbers say of themselves."""

from __future__ import annotations

import pytest

from boomerang.metrics import Retuned
from boomerang.scoring import rate


def retuned(asr: tuple[int, int], floor: tuple[int, int]) -> Retuned:
    return Retuned(rows=1000, poisoned=5, asr=rate(*asr), floor=rate(*floor), clean_accuracy=rate(9, 10))


@pytest.mark.parametrize(
    ("asr", "floor", "superficial"),
    [((900, 1000), (20, 1000), True), ((21, 1000), (20, 1000), False), ((0, 1000), (20, 1000), False)],
)
def test_a_repair_is_superficial_where_more_comes_back_than_a_clean_model_learns(
    asr: tuple[int, int], floor: tuple[int, int], superficial: bool
) -> None:
    found = retuned(asr, floor)
    assert found.superficial is superficial
    assert found.rise is not None and (found.rise > 0) is superficial
    assert found.rise <= max(0, asr[0] / asr[1] - floor[0] / floor[1])


def test_what_no_image_was_measured_on_has_no_rise() -> None:
    found = retuned((0, 0), (0, 0))
    assert found.rise is None and not found.superficial
