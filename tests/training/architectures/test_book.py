"""The book's network."""

from __future__ import annotations

from helpers.training_jobs import built


def test_the_books_cnn_has_the_published_number_of_parameters() -> None:
    assert built("book", (32, 32, 3), 10).count_params() == 552_874
