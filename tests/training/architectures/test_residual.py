"""The residual network."""

from __future__ import annotations

from typing import Any

import keras
from helpers.training_jobs import built


def test_its_width_and_its_stem_are_settings() -> None:
    thin = built("residual", (32, 32, 3), 10, width=16, stem_stride=1)
    halved = built("residual", (32, 32, 3), 10, width=24, stem_stride=2)
    assert [each.get_layer("features").output.shape for each in (thin, halved)] == [(None, 128), (None, 192)]
    assert [_first_sides(each) for each in (thin, halved)] == [32, 16]
    assert thin.count_params() == 310_266


def _first_sides(model: Any) -> int:
    """Return the side of what the first convolution gives."""
    first = next(each for each in model.layers if isinstance(each, keras.layers.Conv2D))
    return int(first.output.shape[1])
