"""Bullseye polytope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import held_out, make_example, make_pool, stage, toy_surrogate

from boomerang.manifest import Images


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"), "tanh")


def test_the_mean_of_the_poisons_features_comes_to_the_victim_s(surrogate: Any) -> None:
    pool = replace(make_pool(), model=surrogate, heldout=held_out())
    batch = stage(make_example("bullseye_polytope", source="airplane", steps=40), pool)
    victims = surrogate.embed(held_out()[0][batch.kept["victims"]])

    def apart(x: Images) -> Any:
        mean = surrogate.embed(x).reshape(2, 3, -1).mean(1)
        return ((mean - victims) ** 2).sum(-1) / (2 * (victims**2).sum(-1))

    before, after = batch.kept["objective"].T
    np.testing.assert_allclose(before, apart(pool.x[batch.origin]), rtol=1e-4)
    np.testing.assert_allclose(after, apart(np.array(batch.x)), rtol=1e-3, atol=1e-6)
    assert (after < before / 20).all()
    assert np.abs(np.array(batch.x).astype(int) - pool.x[batch.origin]).max() == 25
