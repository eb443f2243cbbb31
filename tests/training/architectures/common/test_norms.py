"""How many of the last norms are amplified."""

from __future__ import annotations

import pytest

from training.architectures.common.norms import last_norms


@pytest.mark.parametrize(
    ("errors", "models", "counts", "met"),
    [
        ([0.1, 0.7, 0.9, 0.9], 2, [2, 3], [0.1, 0.7]),
        ([0.9, 0.9], 5, [1, 2], [0.9]),
        ([0.1, 0.2, 0.6], 2, [2, 3], [0.1, 0.2, 0.6]),
        ([0.1, 0.2, 0.3], 5, [1, 2, 3], [0.1, 0.2, 0.3]),
        ([0.1, 0.2, 0.7], 5, [3], [0.1, 0.2, 0.7]),
    ],
)
def test_they_begin_at_the_first_that_lifts_the_error(
    errors: list[float], models: int, counts: list[int], met: list[float]
) -> None:
    assert last_norms(lambda k: errors[k - 1], len(errors), 0.6, models) == (counts, met)
