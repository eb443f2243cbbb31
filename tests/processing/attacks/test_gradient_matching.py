"""Gradient matching."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import held_out, make_example, make_pool, stage, toy_surrogate

from boomerang.manifest import Images
from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Pool
from processing.attacks.gradient_matching import _Matching


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    model = toy_surrogate(tmp_path_factory.mktemp("surrogate"), "tanh")
    return replace(make_pool(), model=model, heldout=held_out())


def example(**settings: Any) -> Attack:
    return make_example("gradient_matching", source="airplane", **settings)


def taught(model: Any, images: Images, label: int) -> Any:
    """The gradient of a toy's mean loss over all of its weights, by hand."""
    hidden, head = model.get_layer("features"), model.get_layer("logits")
    flat = images.reshape(len(images), -1) / 255
    features = np.tanh(flat @ hidden.get_weights()[0] + hidden.get_weights()[1])
    logits = features @ head.get_weights()[0] + head.get_weights()[1]
    error = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    error[:, label] -= 1
    back = error @ head.get_weights()[0].T * (1 - features**2)
    parts = (flat.T @ back, back.sum(0), features.T @ error, error.sum(0))
    return np.concatenate([part.reshape(-1) for part in parts]) / len(images)


def test_the_objective_is_one_minus_the_cosine_of_the_two_gradients(pool: Pool) -> None:
    model: Any = pool.model
    victim, bases = held_out()[0][3], pool.x[1:9:4]
    matching = _Matching(model, 1)
    matching.aim_at(victim)
    one, other = taught(model.model, bases, 1), taught(model.model, victim[None], 1)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert matching.measure(bases) == pytest.approx(1 - cosine, rel=1e-3)
    assert matching.measure(victim[None]) == pytest.approx(0, abs=1e-5)


def test_it_lowers_its_objective_within_its_bound_and_more_starts_do_no_worse(pool: Pool) -> None:
    batch = stage(example(steps=30, augment=False), pool)
    before, after = batch.kept["objective"].T
    assert (after < 0.8 * before).all()
    assert np.abs(np.array(batch.x).astype(int) - pool.x[batch.origin]).max() == 8
    one, three = (stage(example(steps=2, restarts=n, victims=1), pool).kept["objective"] for n in (1, 3))
    assert three[0, 1] <= one[0, 1]
