"""A part of a class that trusted rows avoid, and a class that lies where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from processing.defenses.common.apart import WHOLE, Part, apart, clean_share, mostly_poison, rarity


def looked_at(rows: int, trusted: int, dimensions: int, far: float, share: float, seed: int) -> Part | None:
    """What is said of a class of which a share lies `far` deviations off."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((rows, dimensions)).astype(np.float32)
    features[: round(share * rows), 0] += far
    known = rng.standard_normal((trusted, dimensions)).astype(np.float32)
    left = np.ones(rows, bool)
    margins = apart(features, np.arange(rows), left, known, np.eye(dimensions))
    assert margins is not None
    assert all(np.abs(one).max() <= 1 for one in margins)
    return mostly_poison(*margins, left)


@pytest.mark.parametrize("share", [0.85, 0.9])
def test_most_of_a_class_that_lies_elsewhere_is_cut_from_the_rest(share: float) -> None:
    found = looked_at(400, 100, 20, 9.0, share, 0)
    assert found is not None
    assert found.name == "larger"
    poison = np.arange(400) < share * 400
    assert found.rows[poison].mean() > 0.99 and found.rows[~poison].mean() < 0.05


@pytest.mark.parametrize("share", [0.97, 1.0])
def test_a_class_that_is_nearly_all_elsewhere_is_taken_as_a_whole(share: float) -> None:
    found = looked_at(400, 100, 20, 9.0, share, 0)
    assert found is not None
    assert found.name == WHOLE
    assert found.rows.all() and found.clean_share < 0.1 and found.p_value < 1e-10


@pytest.mark.parametrize(("rows", "trusted"), [(400, 100), (10, 100), (100, 10), (12, 12)])
def test_in_many_dimensions_no_clean_class_is_apart(rows: int, trusted: int) -> None:
    # By means that the rows helped to make, every one of these would be.
    for seed in range(10):
        assert looked_at(rows, trusted, 256, 0.0, 0.0, seed) is None


def test_rows_set_aside_are_placed_but_make_no_mean() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((100, 4)).astype(np.float32)
    left, moved = np.arange(100) < 80, features.copy()
    moved[~left] += 1000
    known = (rng.standard_normal((30, 4)) + 3).astype(np.float32)
    one, other = (apart(x, np.arange(100), left, known, np.eye(4)) for x in (features, moved))
    assert one is not None and other is not None
    assert np.array_equal(one[0][left], other[0][left]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0][~left], other[0][~left])
    assert apart(features, np.arange(100), left, known[:1], np.eye(4)) is None


def test_the_clean_share_and_the_test_are_those_of_the_table() -> None:
    suspect, trusted = np.arange(100) < 40, np.arange(50) < 5
    assert clean_share(suspect, trusted) == pytest.approx(0.1 / 0.4)
    # 45 rows of 150 are in the part; 50 drawn without looking have five of them, or fewer.
    assert rarity(suspect, trusted) == pytest.approx(hypergeom.cdf(5, 150, 45, 50))
    assert clean_share(suspect, trusted[:0]) == 1 == rarity(suspect, trusted[:0])


def test_where_most_of_a_class_is_poison_the_clean_share_is_no_less_than_it_is() -> None:
    """GIVEN all the poison and a third of the clean rows THEN it is too high by 1 / (1 - poison)."""
    suspect = np.arange(1000) < 900 + 33  # 900 of 1000 are poison
    trusted = np.arange(300) < 99
    assert clean_share(suspect, trusted) == pytest.approx(33 / 933 / (1 - 0.9), rel=0.02)
