"""What every attack leans on: budgets, the choice of rows, the contract of a batch, the surrogate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage
from hypothesis import example, given
from hypothesis import strategies as st

from boomerang.errors import ConfigError
from processing.attacks.common.pool import Batch, budget, check_batch, choose, largest_change

rates = st.floats(0, 1, exclude_min=True, allow_nan=False)


@given(rate=rates, whole=st.integers(1, 100_000))
def test_a_budget_is_the_rate_to_half_a_row(rate: float, whole: int) -> None:
    try:
        count = budget(rate, whole, whole, "rows")
    except ConfigError as error:
        assert rate * whole <= 0.5 and budget(float(str(error.do).split()[3]), whole, whole, "rows") >= 1
    else:
        assert 1 <= count <= whole and abs(count - rate * whole) <= 0.5


@example(rate=0.9, whole=300_000, available=200_000)  # two thirds, rounded up, would be too many
@given(rate=rates, whole=st.integers(1, 10_000), available=st.integers(0, 10_000))
def test_an_unpaid_budget_says_what_could_be_paid(rate: float, whole: int, available: int) -> None:
    try:
        assert budget(rate, whole, available, "rows") <= available
    except ConfigError as error:
        assert not 1 <= round(rate * whole) <= available
        if error.do.startswith("lower it to "):
            advised = float(error.do.split()[3])
            assert budget(advised, whole, available, "rows") <= available


@given(seed=st.integers(0, 2**32), size=st.integers(1, 60), data=st.data())
def test_chosen_rows_are_distinct_ascending_and_reproducible(
    seed: int, size: int, data: st.DataObject
) -> None:
    rows = np.arange(size) * 3
    count = data.draw(st.integers(1, size))
    chosen = choose(np.random.default_rng(seed), rows, count)
    assert len(chosen) == count and set(chosen) <= set(rows)
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, choose(np.random.default_rng(seed), rows, count))


def test_the_largest_change_knows_no_wrap_around() -> None:
    before = np.array([0, 255, 7], np.uint8).reshape(3, 1, 1, 1)
    after = np.array([255, 0, 7], np.uint8).reshape(3, 1, 1, 1)
    assert largest_change(before, after).tolist() == [255, 255, 0]


def test_a_class_that_is_not_there_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"class 'brid'(.|\n)*did you mean 'bird'"):
        make_pool().label("brid")


def test_a_pool_without_a_surrogate_says_so_and_one_with_gives_it_unopened() -> None:
    model: Any = object()
    assert replace(make_pool(), model=model).surrogate is model
    with pytest.raises(ConfigError, match=r"the surrogate(.|\n)*give the baseline as the input `surrogate`"):
        _ = make_pool().surrogate


BROKEN = {
    "float images": lambda b: replace(b, x=b.x[:] / 255),
    "images of another size": lambda b: replace(b, x=b.x[:][:, 1:]),
    "labels of another dtype": lambda b: replace(b, y=b.y.astype(np.int32)),
    "a label short": lambda b: replace(b, y_true=b.y_true[1:]),
    "the same row twice": lambda b: replace(b, replaced=np.repeat(b.replaced[:1], len(b.replaced))),
    "a row that is not free": lambda b: replace(b, replaced=np.r_[b.replaced[1:], 10_000]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_batch_that_breaks_the_contract_is_refused(name: str) -> None:
    pool = make_pool()
    batch: Batch = stage(make("label_flip_random", rate=0.1), pool)
    check_batch(batch, pool)
    with pytest.raises(ValueError, match="does not fit"):
        check_batch(BROKEN[name](batch), pool)
