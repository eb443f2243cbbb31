"""A network's norms, and how many of the last ones it takes, amplified, to forget what it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def norms(network: Any) -> tuple[str, ...]:
    """Return the names of the layers that normalize, by batch, group or row, first layer first."""
    from keras import layers

    kinds = (layers.BatchNormalization, layers.GroupNormalization, layers.LayerNormalization)
    return tuple(layer.name for layer in network.layers if isinstance(layer, kinds))


def last_norms(
    wrong: Callable[[int], float], count: int, error: float, models: int
) -> tuple[list[int], list[float]]:
    """Return how many of the last norms are amplified in each of several models, and the errors met.

    The smallest number by which the error rises above `error`, and the next ones; where none does, the last
    ones up to all norms (Hou et al. 2024, IBD-PSC, section 4.3).

    Parameters
    ----------
    wrong : callable
        The error on clean rows, 0..1, when so many last norms are amplified.
    count : int
        How many norms there are, 1 or more.
    error : float
    models : int
        How many models, at most.

    Returns
    -------
    list of int
    list of float
        With 1, 2, ... norms, up to the first above `error`.
    """
    errors: list[float] = []
    while len(errors) < count and not (errors and errors[-1] > error):
        errors.append(wrong(len(errors) + 1))
    first = len(errors) if errors[-1] > error else max(1, count - models + 1)
    return list(range(first, min(first + models, count + 1))), errors
