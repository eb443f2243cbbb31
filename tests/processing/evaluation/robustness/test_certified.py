"""Certified canaries: what fewer changed rows than certified do to the vote, by changing them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.manifest import Dataset, write_dataset
from boomerang.settings import CertifyConfig
from processing.evaluation.canaries import Canaries
from processing.evaluation.robustness.certified import certificates, learned, partition_of, voted
from processing.evaluation.robustness.election import run_off
from training.fit import seed_everything
from training.model import embedder

COUNT = 20


@pytest.fixture(scope="module")
def network() -> Any:
    """Untrained: features are fixed, whatever they are."""
    seed_everything(0)
    return built()


def written(folder: Path, x: np.ndarray, y: np.ndarray) -> Dataset:
    return write_dataset(folder, x, y, name="rows", classes=("0", "1"))


def test_flipping_as_many_labels_as_certified_changes_no_answer(network: Any, tmp_path: Path) -> None:
    """All labels of as many partitions, those that vote for it first: worse than one row of each."""
    (x, y), (shown, right) = left_or_right(600), left_or_right(30, seed=3)
    y[np.random.default_rng(1).choice(600, 90, replace=False)] ^= 1  # a close vote
    embed, partition = embedder(network), partition_of(x, COUNT)
    answers, radii = run_off(voted(embed, written(tmp_path / "rows", x, y), shown, COUNT, 2))
    assert (answers == right).mean() > 0.8 and 0 < np.median(radii) < COUNT / 2
    features, asked = embed(x).astype(np.float64), embed(shown).astype(np.float64)
    calls = np.array(
        [learned(features[partition == k], y[partition == k], 2, asked).argmax(1) for k in range(COUNT)]
    )
    for i in (int(radii.argmin()), int(np.argsort(radii)[15]), int(radii.argmax())):
        for extra, changes in ((0, False), (1, True)):
            turned = np.flatnonzero(calls[:, i] == answers[i])[: radii[i] + extra]
            poisoned = np.where(np.isin(partition, turned), 1 - answers[i], y)
            data = written(tmp_path / f"{i}-{extra}", x, poisoned)
            (answer,), _ = run_off(voted(embed, data, shown[i : i + 1], COUNT, 2))
            assert (answer != answers[i]) == changes, "one more does, as there are two classes"


def test_a_row_s_partition_is_its_pixels_alone() -> None:
    x, _ = left_or_right(50)
    dealt = partition_of(x, 7)
    order = np.random.default_rng(0).permutation(50)
    assert np.array_equal(partition_of(x[order], 7), dealt[order]) and set(dealt) == set(range(7))
    x[3, 0, 0] ^= 1
    assert np.array_equal(np.delete(partition_of(x, 7), 3), np.delete(dealt, 3))


def test_ridge_regression_is_the_same_by_rows_and_by_features() -> None:
    rng = np.random.default_rng(0)
    x, shown = rng.normal(size=(12, 5)), rng.normal(size=(4, 5))
    y = rng.integers(0, 3, 12)
    wide = np.hstack([x, np.zeros((12, 30))]), np.hstack([shown, np.zeros((4, 30))])
    assert np.allclose(learned(x, y, 3, shown), learned(wide[0], y, 3, wide[1]))
    same = learned(np.ones((6, 3)), np.arange(6) % 2, 3, np.ones((1, 3)))
    assert np.allclose(same, [[0.5, 0.5, 0]]), "features that say nothing leave the shares"


def test_each_canary_that_the_vote_has_right_has_its_number(network: Any, tmp_path: Path) -> None:
    (x, y), (shown, right) = left_or_right(600), left_or_right(8, seed=3)
    right[0] ^= 1
    canaries = Canaries(shown, right, tuple(f"records/{i}" for i in range(8)))

    def found(rows: int, canaries: Canaries = canaries, learned_rows: int = 600) -> Any:
        case: Any = SimpleNamespace(
            settings=SimpleNamespace(certify=CertifyConfig(rows=rows)),
            subjects={
                "baseline": SimpleNamespace(copy=lambda: network, card=SimpleNamespace(rows=learned_rows))
            },
            train=written(tmp_path / f"{rows}-{len(canaries.y)}", x, y),
            test=SimpleNamespace(classes=("0", "1")),
        )
        return certificates(case, canaries)

    told = found(30)
    assert told.partitions == 20 and told.right.successes == 7 and "records/0" not in told.rows
    assert len(told.rows) == 7 and all(0 <= rows <= 10 for rows in told.rows.values())
    assert found(0) is None and found(400) is None, "none wanted; too few rows for two"
    assert found(29, learned_rows=300).partitions == 10, (
        "how many rows are delivered is the attacker's to say"
    )
    assert found(31, Canaries(shown[:0], right[:0], ())) is None
