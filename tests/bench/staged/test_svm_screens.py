"""The table of screens on a poisoned machine: its sets, its counts, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.staged import svm_screens
from bench.staged.svm_screens import SvmScreens, drawn, measured, poisoning, right_after
from processing.defenses.common.base import Suspect


def digits() -> Any:
    """Return uint8[900, 6, 6, 1] and int64[900]: fours and zeros that overlap, and digits of no interest."""
    rng = np.random.default_rng(0)
    y = np.resize([4, 0, 7], 900)
    pattern = np.where(np.arange(36).reshape(6, 6, 1) % 3 == 0, 30, -30)
    x = 128 + np.where(y == 0, 1, -1)[:, None, None, None] * pattern + rng.normal(0, 45, (900, 6, 6, 1))
    return np.clip(x, 0, 255).astype(np.uint8), y


def test_the_parts_are_disjoint_balanced_and_of_the_two_digits() -> None:
    _, y = digits()
    parts = drawn(y, 3)
    assert [len(part) for part in parts] == [100, 200, 200]
    assert len(np.unique(np.concatenate(parts))) == 500
    assert all((y[part] == 4).sum() == (y[part] == 0).sum() == len(part) // 2 for part in parts)
    assert not np.array_equal(parts[0], drawn(y, 4)[0])


@pytest.mark.parametrize("attack", ["flipping", "semi_optimal"])
def test_poison_lies_among_the_rows_and_is_told(attack: str) -> None:
    x, y = digits()
    train = drawn(y, 0)[0]
    labels = (y[train] == 0).astype(np.int64)
    rows, given, poisoned = poisoning(x[train], labels, attack, 0.2, 0)
    assert poisoned.sum() == 20 and len(rows) == len(given) == 120
    assert sorted(map(bytes, rows[~poisoned])) == sorted(map(bytes, x[train]))
    assert not np.array_equal(np.flatnonzero(poisoned), np.arange(100, 120))
    before = {row.tobytes(): label for row, label in zip(x[train], labels, strict=True)}
    if attack == "flipping":
        flipped = zip(rows[poisoned], given[poisoned], strict=True)
        assert all(before[row.tobytes()] == 1 - label for row, label in flipped)


def test_a_machine_of_one_class_says_that_class_of_all() -> None:
    x, y = digits()
    labels = (y == 0).astype(np.int64)
    assert right_after(x[y == 0], labels[y == 0], x[:9], labels[:9]) == 3
    assert right_after(x[:0], labels[:0], x[:9], labels[:9]) == 0
    assert right_after(x, labels, x, labels) > 850


def test_what_is_counted_stands_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN screens of which one takes the first ten rows and one none THEN the table says so."""

    def two(suspect: Suspect) -> Any:
        assert suspect.trusted_x.shape == (200, 6, 6, 1)
        yield "ten", np.arange(len(suspect.y)) < 10
        yield "none", np.zeros(len(suspect.y), bool)

    monkeypatch.setattr(svm_screens, "screened", two)
    monkeypatch.setattr(svm_screens, "_TITLES", ("ten", "none"))
    monkeypatch.setattr(svm_screens, "_ATTACKS", {"flipping": "flipped labels"})
    monkeypatch.setattr(svm_screens, "_RATES", (0.3,))
    cells = {seed: measured(*digits(), seed) for seed in (0, 1)}
    clean, poisoned = cells[0]["cells"]
    assert (clean["poisoned"], clean["clean"], clean["tested"]) == (0, 100, 200)
    assert poisoned["screens"]["a perfect filter"]["hit"] == poisoned["poisoned"] == 30
    assert poisoned["screens"]["a perfect filter"]["right"] == clean["screens"]["nothing"]["right"]
    (tmp_path / "cae_svm_mnist.json").write_text(json.dumps({"seeds": cells}))
    lines = SvmScreens().table(tmp_path)
    assert lines[2] == "| nobody attacks | 10.0% flagged | 0.0% flagged |"
    hit = sum(each["cells"][1]["screens"]["ten"]["hit"] for each in cells.values())
    ten = f"{2 * hit / 80:.2f} ({hit / 20:.2f}, {hit / 60:.2f})"
    assert lines[3] == f"| flipped labels, 30% | {ten} | 0.00 (–, 0.00) |"
    assert lines[-1].startswith("| flipped labels, 30% | ") and lines[-1].count("±") == 4
