"""Features that are not finite: refused, with how many and whose."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.suspects import with_features

from boomerang.errors import BadInput
from processing.defenses.common.finite import known_features


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("whose", ["suspect", "trusted"])
def test_a_feature_that_is_not_finite_is_refused(value: float, whose: str) -> None:
    y = np.arange(40) % 4
    features = {"suspect": np.ones((40, 5)), "trusted": np.ones((40, 5))}
    known_features(with_features(features["suspect"], y, features["trusted"], y))
    features[whose][[3, 7], 2] = value
    with pytest.raises(BadInput, match=rf"features of the {whose} rows(.|\n)*2 of 40 (.|\n)*row 3"):
        known_features(with_features(features["suspect"], y, features["trusted"], y))
