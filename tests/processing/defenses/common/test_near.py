"""Close pairs: exactly those of a comparison of everything with everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from processing.defenses.common import near


def images(shape: tuple[int, ...], rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(rng.integers(0, 256), 40, (rows, *shape)), 0, 255).astype(np.uint8)


def distances(a: Any, clip: int = 255) -> Any:
    flat = a.reshape(len(a), -1).astype(float)
    return np.sqrt((np.minimum(np.abs(flat[:, None] - flat[None]), clip) ** 2).sum(-1))


def pairs_of(x: Any, y: Any, limits: near.Limits, *rest: Any, **more: Any) -> list[tuple[int, int]]:
    found = [np.stack(pairs, 1) for pairs in near.close_pairs(x, y, limits, *rest, **more)]
    return sorted((int(i), int(j)) for pairs in found for i, j in pairs)


@pytest.mark.parametrize("block_rows", [1, 7, 256])
def test_the_pairs_are_those_of_brute_force(block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(near, "_PAIRS_AT_ONCE", 5)
    monkeypatch.setattr(near, "MOST_MEASURED", 60)
    x, y = images((12, 12, 3), 60, 1), np.arange(60) % 3
    apart, clipped = distances(x), distances(x, near.CLIP)
    limits = near.Limits(float(np.quantile(apart, 0.4)), float(np.quantile(clipped, 0.3)))
    close = (apart < limits.distance) & (clipped < limits.clipped)
    wanted = np.argwhere(np.triu(close & (y[:, None] != y[None])))
    assert len(wanted) > 100
    assert pairs_of(x, y, limits) == [(int(i), int(j)) for i, j in wanted]


def test_rows_made_to_pass_every_sketch_cost_no_more_than_a_few_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = []
    difference = near._difference

    def counted(x: Any, i: Any, j: Any) -> Any:
        measured.append(len(i))
        return difference(x, i, j)

    monkeypatch.setattr(near, "_difference", counted)
    x = np.random.default_rng(0).integers(0, 256, (600, 16, 16, 3), np.uint8)
    y, found = np.arange(600) % 10, near.Close()
    assert pairs_of(x, y, near.Limits(1e6, 1.0), found) == []
    # Once a strip of the images, and the pairs that pass it once more in full.
    assert sum(measured) <= 2 * 600 * near.MOST_MEASURED < 600 * 599 * 9 / 20
    others = [int((y[:row] != y[row]).sum()) for row in range(600)]
    assert found.short == {row for row in range(600) if others[row] > near.MOST_MEASURED}


@pytest.mark.parametrize("exact_rows", [0, 1000], ids=["index", "all"])
def test_of_too_many_the_nearest_are_compared_and_the_row_is_named(
    exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "EXACT_ROWS", exact_rows)
    monkeypatch.setattr(near, "MOST_MEASURED", 4)
    monkeypatch.setattr(near, "_BLOCK_ROWS", 4)
    x, y = images((12, 12, 3), 40, 1), np.arange(40)
    x[-1] = x[-2]  # the nearest there is
    found = near.Close()
    pairs = pairs_of(x, y, near.Limits(1e6, 1e6), found)
    assert (38, 39) in pairs and found.short == set(range(5, 40))
    assert found.indexed == (exact_rows == 0)
    assert max(np.bincount([later for _, later in pairs])) == 4


def pictures(rows: int, seed: int) -> Any:
    """Return uint8[rows, 16, 16, 3]: smooth like photographs."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 45, (rows, 4, 4, 3)) + rng.normal(0, 45, (rows, 1, 1, 3))
    smooth = coarse.repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(128 + smooth + rng.normal(0, 8, (rows, 16, 16, 3)), 0, 255).astype(np.uint8)


def copies_of(x: Any, seed: int) -> Any:
    """Return the rows stamped, a third, brightened, a third, and with noise upon them, a third."""
    rng, out, third = np.random.default_rng(seed), x.astype(int), len(x) // 3
    out[:third, -2:, -2:] = (0, 255, 255)
    out[third : 2 * third] += 5
    out[2 * third :] += rng.integers(-8, 9, out[2 * third :].shape)
    return np.clip(out, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("attack", ["none", "noise", "low contrast"])
def test_the_index_finds_what_a_comparison_of_all_finds(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN more rows than are compared all with all, also with a flood of made ones among them."""
    rng = np.random.default_rng(9)
    honest = pictures(3_000, 0)
    chosen = rng.choice(len(honest), 300, replace=False)
    floods = {
        "none": np.zeros((0, 16, 16, 3), np.uint8),
        "noise": rng.integers(0, 256, (1_500, 16, 16, 3), np.uint8),
        "low contrast": rng.integers(126, 131, (1_500, 16, 16, 3), np.uint8),
    }
    x = np.concatenate([honest, floods[attack], copies_of(honest[chosen], 1)])
    y = rng.integers(0, 10, len(x))
    limits = near.learn_limits(pictures(500, 7), np.arange(500) % 10, 0.5)
    assert limits is not None
    rows = np.flatnonzero((np.arange(len(x)) < 3_000) | (np.arange(len(x)) >= len(x) - 300))
    wanted = set(pairs_of(x, y, limits, rows=rows))  # the honest ones and their copies, all with all
    assert len(wanted) > 200
    monkeypatch.setattr(near, "EXACT_ROWS", 0)
    found = near.Close()
    got = set(pairs_of(x, y, limits, found, seed=3))
    assert found.indexed and len(wanted & got) >= 0.99 * len(wanted)
    assert got == set(pairs_of(x, y, limits, seed=3)), "the same seed gives the same pairs"


def test_ten_times_the_rows_take_no_more_than_twelve_times_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an index THEN cells and measured pairs are counted: a clock tells of the machine."""
    work = {"cells": 0, "pairs": 0}
    within, measured = near._within, near._are_close

    def counted(points: Any, y: Any, later: Any, earlier: Any, *rest: Any) -> Any:
        work["cells"] += len(later) * len(earlier)
        return within(points, y, later, earlier, *rest)

    def counted_pairs(x: Any, i: Any, *rest: Any) -> Any:
        work["pairs"] += len(i)
        return measured(x, i, *rest)

    monkeypatch.setattr(near, "_within", counted)
    monkeypatch.setattr(near, "_are_close", counted_pairs)
    monkeypatch.setattr(near, "EXACT_ROWS", 0)
    done = []
    for rows in (1_000, 10_000):
        work.update(cells=0, pairs=0)
        x = np.random.default_rng(0).integers(126, 131, (rows, 8, 8, 3), np.uint8)
        found = near.Close()
        pairs_of(x, np.arange(rows) % 10, near.Limits(60.0, 60.0), found)
        assert len(found.short) > rows / 2
        done.append(dict(work))
    assert done[1]["cells"] <= 12 * done[0]["cells"] and done[1]["pairs"] <= 12 * done[0]["pairs"]


def test_the_limits_are_those_of_the_nearest_rows_with_another_label() -> None:
    x, y = images((8, 8, 3), 300, 2), np.arange(300) % 3
    apart = np.where(y[:, None] != y[None], distances(x), np.inf)
    clipped = distances(x, near.CLIP)[np.arange(300), apart.argmin(1)]
    limits = near.learn_limits(x, y, 0.25)
    assert limits is not None
    assert limits.distance == pytest.approx(0.75 * apart.min(), rel=1e-4)
    assert limits.clipped == pytest.approx(clipped.min() / 4, rel=1e-4)


def test_one_label_gives_no_limits() -> None:
    assert near.learn_limits(images((8, 8, 1), 4, 0), np.zeros(4, np.int64), 0.5) is None
