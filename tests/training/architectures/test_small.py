"""The small network."""

from __future__ import annotations

from helpers.training_jobs import built


def test_the_small_cnn_has_the_number_of_parameters_that_it_says() -> None:
    assert built("small", (32, 32, 3), 10).count_params() == 224_170
