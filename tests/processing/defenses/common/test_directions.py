"""Directions of rows and gaps of classes: what numpy says of them by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from helpers.suspects import StubVictim, with_features

from boomerang.errors import BadInput, ConfigError
from processing.defenses.common.base import Features, Suspect
from processing.defenses.common.directions import Spread, cosines, directions, mean_of

RNG = np.random.default_rng(0)
SUSPECT_Y, TRUSTED_Y = np.arange(24) % 4, np.arange(20) % 4


@dataclass(frozen=True)
class Given(StubVictim):
    """A victim whose vectors are its features, in two layers, and which calls every row as told."""

    calls: tuple[int, ...] = ()

    def slopes(self, layers: Any) -> Any:
        return lambda x, _: [self.embed(x), 2 * self.embed(x)[:, ::-1] ** 3][: len(layers)]

    def answer(self, x: Any) -> Features:
        return np.eye(self.classes, dtype=np.float32)[list(self.calls)]


def drawn(wrong: tuple[int, ...] = (), value: float = 0.0) -> Suspect:
    features, trusted = RNG.standard_normal((24, 6)), RNG.standard_normal((20, 6))
    features[3] += value
    data = with_features(features, SUSPECT_Y, trusted, TRUSTED_Y)
    calls = tuple((y + 1) % 4 if i in wrong else y for i, y in enumerate(TRUSTED_Y.tolist()))
    return replace(data, victim=Given(data.victim.embed, calls=calls))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_cosine_is_what_numpy_says_and_0_of_nothing() -> None:
    vectors = RNG.standard_normal((5000, 7)).astype(np.float32)
    vectors[4999] = 0
    rows = np.arange(1, 5000)
    found = cosines(vectors, rows, vectors[0].astype(float))
    assert np.allclose(found[:9], [cosine(vectors[0], each) for each in vectors[1:10]])
    assert found[-1] == 0 and not cosines(vectors, rows, np.zeros(7)).any()


def test_the_distances_and_gaps_are_what_they_are_by_hand() -> None:
    data = drawn(wrong=(0, 5))
    found = directions(data, per_class=3)
    vectors, trusted = (
        data.victim.slopes(("a", "b"))(data.x, SUSPECT_Y)[1],
        data.victim.slopes(("a", "b"))(data.trusted_x, 0)[1],
    )
    spread = found.spread()
    for label in range(4):
        reference = found.references[label]
        assert len(reference) == 3 and (TRUSTED_Y[reference] == label).all() and not set(reference) & {0, 5}
        mean, rows = trusted[reference].mean(0), np.flatnonzero(label == SUSPECT_Y)
        to_clean = np.array([cosine(vectors[row], mean) for row in rows])
        assert np.allclose(found.away(1)[rows], 1 - to_clean, atol=1e-6)
        first = rows[to_clean.argmin()]
        apart = [
            c - cosine(vectors[row], vectors[first])
            for c, row in zip(to_clean, rows, strict=True)
            if row != first
        ]
        gap = np.linalg.norm(apart) / np.sqrt(len(rows))
        assert spread.farthest[1, label] == first and np.isclose(spread.gaps[1, label], gap, atol=1e-6)


def test_a_trusted_row_is_measured_by_a_reference_that_it_is_not_part_of() -> None:
    data = drawn()
    found = directions(data, per_class=3)
    trusted, away = found.trusted[0], found.trusted_away(0)
    for label, reference in found.references.items():
        for row in np.flatnonzero(label == TRUSTED_Y):
            others = [each for each in reference if each != row]
            assert np.isclose(
                away[row], 1 - cosine(trusted[row], mean_of(trusted, np.array(others))), atol=1e-6
            )
    alone = directions(data, per_class=1)
    assert np.isnan(alone.trusted_away(0)).sum() == 4, "the only row of a reference has none without it"


def test_a_class_without_right_trusted_rows_has_no_reference() -> None:
    found = directions(drawn(wrong=(2, 6, 10, 14, 18)), per_class=3)
    assert sorted(found.references) == [0, 1, 3]
    assert (
        np.isnan(found.away(0)[SUSPECT_Y == 2]).all()
        and np.isnan(found.trusted_away(0)[TRUSTED_Y == 2]).all()
    )
    spread = found.spread()
    assert np.isnan(spread.gaps[:, 2]).all() and (spread.farthest[:, 2] == -1).all()
    assert np.isfinite(spread.anomalies).all() and not spread.anomalies[:, 2].any()


def test_what_was_set_aside_is_not_learned_from() -> None:
    data = drawn()
    first = directions(data, 3).spread().farthest[0, 1]
    later = directions(data.without(np.arange(24) == first), 3)
    assert later.spread().farthest[0, 1] != first and np.isfinite(later.away(0)[first])


def test_the_reference_is_drawn_from_the_seed() -> None:
    data = drawn()
    one, again, other = (directions(replace(data, seed=seed), 2).references for seed in (1, 1, 2))
    assert all(np.array_equal(one[k], again[k]) for k in one)
    assert any(not np.array_equal(one[k], other[k]) for k in one)


def test_targets_are_those_of_the_published_rule() -> None:
    flat = np.tile([0.10, 0.11, 0.09, 0.10, 0.12], (5, 1))
    rows = np.zeros((5, 5), int)
    clear = flat.copy()
    clear[2, 3] = 0.25
    spread = Spread(clear, rows)
    z = (0.25 - 0.11) / (1.4826 * 0.01 + 1e-6)  # the gaps of that layer: .10 .11 .09 .25 .12
    assert spread.targets() == (2, [3]) and np.isclose(spread.anomalies[2, 3], z, rtol=1e-3)
    assert Spread(flat, rows).targets()[1] == []
    dull = np.tile([0.1, 0.4, 0.2, 0.5, 0.3], (5, 1))
    assert Spread(dull, rows).targets() == (1, [1, 3]), "no class stands out, and two gaps are wide"
    first_and_last = np.where(np.isin(np.arange(5), [0, 4])[:, None], dull, 0.1 * dull)
    assert Spread(first_and_last, rows).targets()[1] == [], "neither the first nor the last layer counts"


def test_a_gradient_that_is_no_number_and_a_victim_without_convolutions_are_refused() -> None:
    with pytest.raises(BadInput, match="its gradients at 'first' are not finite"):
        directions(drawn(value=np.nan), 3)

    class Flat(StubVictim):
        convolutions = ()

    data = drawn()
    with pytest.raises(ConfigError, match="no convolutional layer"):
        directions(replace(data, victim=Flat(data.victim.embed)), 3)
