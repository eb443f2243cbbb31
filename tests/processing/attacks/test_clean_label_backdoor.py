"""The clean-label backdoor: a proxy, images that it no longer knows, and the pattern."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_example, make_pool, stage, toy_surrogate

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Pool

QUICK = {"proxy_epochs": 1, "proxy_rows": 64, "proxy_steps": 1, "steps": 5}


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


@pytest.fixture
def pool(surrogate: Any) -> Pool:
    return replace(make_pool(), model=surrogate)


def outside(x: Any, before: Any) -> Any:
    """Return the changes outside the pattern's four pixels and the one in their midst."""
    change = x.astype(np.float64) - before
    change[:, -4:-1, -4:-1] = 0
    return change


@pytest.mark.parametrize(("norm", "eps"), [("linf", 8.0), ("l2", 200.0)])
def test_images_are_changed_within_bounds_and_then_get_the_pattern(norm: str, eps: float, pool: Pool) -> None:
    batch = stage(make_example("clean_label_backdoor", norm=norm, eps=eps), pool)
    before = pool.x[batch.replaced]
    change = outside(np.asarray(batch.x), before)
    size = np.abs(change).max((1, 2, 3)) if norm == "linf" else np.sqrt((change**2).sum((1, 2, 3)))
    assert (size <= eps).all() and np.median(size) > eps / 2
    marked = make("art_pattern", target="bird", rate=1).stamp(before, {})
    pixels = (marked == 255) & (before != 255)
    assert (np.asarray(batch.x)[pixels] == 255).all()


def test_the_surrogate_is_surer_of_the_images_than_of_what_became_of_them(pool: Pool) -> None:
    attack = make_example("clean_label_backdoor", steps=20)
    batch = stage(attack, pool)
    before = attack.stamp(pool.x[batch.replaced], {})
    sure = [pool.surrogate.answer(x)[:, 1].mean() for x in (before, np.asarray(batch.x))]
    assert sure[1] < 0.8 * sure[0]


def test_the_proxy_is_the_attackers_own_and_needs_no_surrogate(pool: Pool) -> None:
    attack = make_example("clean_label_backdoor", proxy="adversarial", **QUICK)
    batch, again = (stage(attack, replace(pool, model=None)) for _ in range(2))
    assert np.array_equal(batch.x, again.x)
    other = stage(make_example("clean_label_backdoor", **QUICK), pool)
    assert np.array_equal(batch.replaced, other.replaced) and not np.array_equal(batch.x, other.x)


def test_a_pattern_outside_the_image_is_refused_before_anything_is_trained(pool: Pool) -> None:
    attack = make_example("clean_label_backdoor", distance_px=15, proxy="adversarial", proxy_epochs=1000)
    with pytest.raises(ConfigError, match="it reaches 17 pixels from the edges"):
        stage(attack, pool)


def test_its_deed_says_what_was_done() -> None:
    assert make_example("clean_label_backdoor").deed(Facts(15)) == (
        "15 “bird” pictures changed until a network no longer knew them, and a pattern of four pixels put on "
        "each; they keep their label, which is right."
    )
