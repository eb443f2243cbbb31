"""Feature collision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import held_out, make_example, make_pool, stage, toy_surrogate

from processing.attacks.common.pool import Batch, Pool


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    model = toy_surrogate(tmp_path_factory.mktemp("surrogate"), "tanh")
    return replace(make_pool(), model=model, heldout=held_out())


def crafted(pool: Pool, **settings: Any) -> Batch:
    return stage(make_example("feature_collision", source="airplane", **settings), pool)


def moved(batch: Batch, pool: Pool) -> Any:
    return np.array(batch.x).astype(float) - pool.x[batch.origin]


def test_every_poison_comes_nearer_to_the_victim_and_not_far_from_its_base(pool: Pool) -> None:
    batch = crafted(pool, steps=40)
    model: Any = pool.model
    victims = model.embed(held_out()[0][batch.kept["victims"]]).repeat(3, 0)
    before, after = (
        ((model.embed(x) - victims) ** 2).sum(-1) / (victims**2).sum(-1)
        for x in (pool.x[batch.origin], np.array(batch.x))
    )
    assert (after < before / 2).all()
    first, last = batch.kept["objective"].T
    np.testing.assert_allclose(first, before.reshape(2, 3).mean(1), rtol=1e-4)
    near = ((moved(batch, pool) / 255) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(last, (after + 0.1 * near).reshape(2, 3).mean(1), rtol=1e-3)
    assert (last < first / 2).all()


def test_beta_holds_the_poison_to_its_base_and_eps_bounds_it(pool: Pool) -> None:
    free, held = (np.abs(moved(crafted(pool, beta=beta, steps=20), pool)).mean() for beta in (0.01, 10))
    assert held < free / 2
    assert np.abs(moved(crafted(pool, beta=0, eps=3.9), pool)).max() == 3


def test_a_watermark_is_the_victim_laid_over_each_base(pool: Pool) -> None:
    batch = crafted(pool, watermark=0.3, beta=1e6, steps=1)
    over = held_out()[0][batch.kept["victims"]].repeat(3, 0)
    mixed = 0.7 * pool.x[batch.origin] + 0.3 * over
    assert np.abs(np.array(batch.x) - mixed).max() <= 1
