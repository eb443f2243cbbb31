"""How an attack takes its rows: by a rate, or those that are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError

FLIP = {"source": "airplane", "target": "bird"}


def test_named_rows_are_those_that_are_taken_whatever_the_seed() -> None:
    attack = make("label_flip_targeted", **FLIP, rows=[12, 4])
    for seed in (0, 1):
        assert stage(attack, make_pool(), seed).origin.tolist() == [4, 12]


def test_a_rate_takes_distinct_rows_that_follow_from_the_seed() -> None:
    attack = make("label_flip_random", rate=0.3)
    rows = [stage(attack, make_pool(), seed).origin for seed in (0, 0, 1)]
    assert len(np.unique(rows[0])) == len(rows[0]) == 60
    assert np.array_equal(rows[0], rows[1]) and not np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "give it a rate, or the rows, and not both"),
        ({"rate": 0.1, "rows": [4]}, "give it a rate, or the rows, and not both"),
        ({"rows": [4, 8, 4]}, "row 4 is named twice"),
        ({"rows": [-1]}, "'rows.0'"),
        ({"rate": 0}, "'rate'"),
        ({"rate": 1.01}, "'rate'"),
    ],
)
def test_what_names_no_rows_is_refused_with_the_config(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make("label_flip_targeted", **FLIP, **settings)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (200, "row 200: the training set has 200, from 0"),
        (8, "row 8: an attack before it has taken that row"),
        (5, "row 5: it is 'bird', and the attack takes rows of class 'airplane'"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named(row: int, said: str) -> None:
    pool = replace(make_pool(), free=np.setdiff1d(np.arange(200), [8]))
    with pytest.raises(ConfigError, match=said):
        stage(make("label_flip_targeted", **FLIP, rows=[4, row]), pool)


def test_a_rate_that_buys_no_row_is_refused_with_one_that_does() -> None:
    with pytest.raises(ConfigError, match="of 200 rows it is none") as caught:
        stage(make("label_flip_random", rate=0.001), make_pool())
    advised = float(str(caught.value.do).split()[3])
    assert len(stage(make("label_flip_random", rate=advised), make_pool()).x) == 1
