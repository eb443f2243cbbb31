"""Autoencoders: they learn, they forget, they take any image, and never score what they have learned."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from helpers.blobs import blob_suspect, blobs

from boomerang.manifest import Images, Labels, Rows
from processing.defenses.common import autoencoders
from processing.defenses.common.autoencoders import Network, Shape, cross_errors, decided, in_units, scored_by


class Told:
    """In the place of a network: keeps what it was taught and asked; says 1, 2 and 3 of every row."""

    lessons: ClassVar[list[tuple[Any, Any]]] = []

    def __init__(self, *_: Any) -> None:
        Told.lessons = []

    def learn(self, x: Images, y: Labels, rows: Rows, steps: int, rng: np.random.Generator) -> None:
        self.learned = x, rows

    def errors(self, x: Images, y: Labels, rows: Rows) -> Any:
        Told.lessons.append((self.learned, (x, rows)))
        return np.repeat([[1.0], [2.0], [3.0]], len(rows), 1)


@pytest.mark.parametrize("learn", ["trusted", "suspect"])
def test_every_row_is_asked_once_and_never_of_a_network_that_has_learned_it(
    learn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoders, "Network", Told)
    data, poisoned = blob_suspect(patched=20, rows=60, trusted=40)
    ours, trusted = cross_errors(data.without(poisoned), learn, "code", 1)
    assert (ours.absolute == 1).all() and (trusted.squared == 2).all() and (ours.entropy == 3).all()
    source = data.trusted_x if learn == "trusted" else data.x
    asked: dict[int, list[int]] = {id(data.x): [], id(data.trusted_x): []}
    for (from_x, learned), (x, rows) in Told.lessons:
        assert from_x is source
        assert x is not source or not set(learned) & set(rows)
        assert learn == "trusted" or not poisoned[learned].any()
        asked[id(x)] += rows.tolist()
    assert sorted(asked[id(data.x)]) == list(range(60)) and sorted(asked[id(data.trusted_x)]) == list(
        range(40)
    )


def test_a_row_of_a_class_that_was_not_learned_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoders, "Network", Told)
    data, _ = blob_suspect(rows=60, trusted=40)
    data.trusted_y[:] = 0
    ours, _ = cross_errors(data, "trusted", "code", 1)
    assert np.array_equal(np.isnan(ours.squared), data.y == 1)


@pytest.mark.parametrize("shape", ["code", "flat", "pooled"])
def test_a_network_learns_forgets_and_does_the_same_again(shape: Shape) -> None:
    x, y = blobs(80, np.random.default_rng(0))
    rows, network = np.arange(80), Network(x.shape[1:], shape, 2)

    def errors(steps: int, of: Any = rows, seed: int = 0) -> Any:
        network.learn(x, y, of, steps, np.random.default_rng(seed))
        return network.errors(x, y, rows)

    first, learned = errors(1), errors(60)
    assert (learned.mean(1) < 0.9 * first.mean(1)).all()
    other = errors(1, rows[:7], seed=1)
    assert not np.array_equal(other, first) and np.array_equal(errors(1), first)


@pytest.mark.parametrize("shape", ["code", "flat", "pooled"])
@pytest.mark.parametrize("image", [(16, 16, 3), (28, 28, 1), (33, 21, 3), (96, 96, 1)])
def test_images_of_any_size_are_given_back(shape: Shape, image: tuple[int, int, int]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, *image), np.uint8)
    network = Network(image, shape)
    network.learn(x, np.zeros(6, np.int64), np.arange(6), 1, np.random.default_rng(0))
    absolute, squared, entropy = network.errors(x, np.zeros(6, np.int64), np.arange(6))
    assert (
        (absolute > 0.1).all() and (absolute < 0.5).all() and (squared < absolute).all() and not entropy.any()
    )


def test_errors_are_divided_by_the_root_mean_square_of_the_rows_that_are_left() -> None:
    data, _ = blob_suspect(rows=4, trusted=2)
    data = data.without(np.array([False, True, False, False]))
    ours, trusted = in_units(data, np.array([3.0, 900, 5, np.nan]), np.array([17.0, np.nan]))
    unit = np.sqrt((3**2 + 5**2) / 2)
    np.testing.assert_allclose(ours, np.array([3, 900, 5, np.nan]) / unit)
    np.testing.assert_allclose(trusted, [17 / unit, np.nan])


def test_rows_that_are_not_judged_have_no_part_in_the_mixture() -> None:
    """GIVEN a class that is not judged THEN it is no lower kind beside which the other one is high."""
    data, _ = blob_suspect(rows=200, trusted=100)
    scores = np.where(data.y == 0, 1.0, np.nan)
    finding = decided(scored_by(data, "trusted", scores, np.ones(100)), "paper", 0.01)
    assert not finding.flagged.any() and finding.threshold is None
    assert finding.warnings == (
        "right: no trusted row of the class to compare with, so it flags nothing of it",
    )
