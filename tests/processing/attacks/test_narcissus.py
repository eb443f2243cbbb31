"""Narcissus: a trigger that is learned once, is faint in training and stronger at the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import make_example, make_pool, stage, toy_surrogate

from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Pool


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return replace(make_pool(), model=toy_surrogate(tmp_path_factory.mktemp("surrogate")))


def test_one_faint_trigger_lies_on_every_row(pool: Pool) -> None:
    batch = stage(make_example("narcissus", eps=9, steps=20), pool)
    trigger = batch.kept["trigger"]
    assert trigger.shape == pool.x.shape[1:] and 5 < np.abs(trigger).max() <= 9
    expected = np.clip(pool.x[batch.replaced].astype(int) + trigger, 0, 255)
    assert np.array_equal(batch.x, expected)


def test_at_the_test_it_is_stronger(pool: Pool) -> None:
    attack = make_example("narcissus", amplify=3)
    kept = stage(attack, pool).kept
    gray = np.full((1, *pool.x.shape[1:]), 128, np.uint8)
    assert np.array_equal(attack.stamp(gray, kept)[0].astype(int) - 128, 3 * kept["trigger"])


def test_more_steps_make_the_surrogate_surer_of_the_target(pool: Pool) -> None:
    shown = pool.x[pool.y == 1]

    def sure(steps: int) -> float:
        attack = make_example("narcissus", steps=steps, amplify=1)
        return float(pool.surrogate.answer(attack.stamp(shown, stage(attack, pool).kept))[:, 1].mean())

    plain = float(pool.surrogate.answer(shown)[:, 1].mean())
    assert plain < sure(2) < sure(40)


def test_its_deed_says_what_was_laid_over_the_pictures() -> None:
    assert make_example("narcissus").deed(Facts(25)) == (
        "25 “bird” pictures with a noise of at most 16 of 255 laid over them, which looks to a model like "
        "the class; they keep their label, which is right."
    )
