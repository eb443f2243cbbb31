"""The targeted label flip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


@pytest.mark.parametrize(("of", "flipped"), [("class", 10), ("train", 40)])
def test_a_targeted_flip_counts_its_rate_of_what_it_says(of: str, flipped: int) -> None:
    pool = make_pool()
    batch = stage(make("label_flip_targeted", source="cat", target="dog", rate=0.2, of=of), pool)
    assert len(batch.replaced) == flipped
    assert set(batch.y_true) == {2} and set(batch.y) == {3}
    assert np.array_equal(batch.x, pool.x[batch.replaced])


def test_only_free_rows_are_taken_but_the_whole_class_counts() -> None:
    pool = make_pool()
    cats = np.flatnonzero(pool.y == 2)
    half = replace(pool, free=cats[::2])
    batch = stage(make("label_flip_targeted", source="cat", target="dog", rate=0.5), half)
    assert np.array_equal(batch.replaced, cats[::2])
    with pytest.raises(ConfigError, match="of 50 rows it is 26, but only 25 of class 'cat'"):
        stage(make("label_flip_targeted", source="cat", target="dog", rate=0.52), half)


def test_source_and_target_are_two_classes() -> None:
    with pytest.raises(ConfigError, match="source and target are both 'cat'"):
        make("label_flip_targeted", source="cat", target="cat", rate=0.1)


def test_its_deed_names_both_classes() -> None:
    assert make("label_flip_targeted", source="cat", target="dog", rate=0.1).deed(Facts(1200)) == (
        "The label of 1,200 “cat” pictures changed to “dog”; the pictures themselves stayed as they were."
    )
