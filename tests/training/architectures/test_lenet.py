"""The network of Dioptra's MNIST demonstrations."""

from __future__ import annotations

from helpers.training_jobs import built


def test_without_batch_norms_it_has_the_number_of_parameters_of_dioptras() -> None:
    plain = built("lenet", (28, 28, 1), 10, batch_norm=False)
    assert plain.count_params() == 1_199_882
    assert built("lenet", (28, 28, 1), 10).count_params() == 1_199_882 + 4 * (32 + 64 + 128)
