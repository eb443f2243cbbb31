"""The certified vote's bench: what it writes is what its table says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.training_jobs import left_or_right

from bench.staged import certificates as made_here
from bench.staged.certificates import CERTIFIED


@pytest.mark.whole
def test_each_number_of_partitions_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), (asked, right) = left_or_right(300), left_or_right(40, seed=1)
    np.savez(tmp_path / "mnist.npz", x_train=x[..., 0], y_train=y, x_test=asked[..., 0], y_test=right)
    monkeypatch.setattr(made_here, "real_file", lambda *_: tmp_path / "mnist.npz")
    monkeypatch.setattr(made_here, "PARTITIONS", (5, 10))
    told = json.loads(CERTIFIED.measure(tmp_path).read_text())
    assert [row["partitions"] for row in told["rows"]] == [5, 10]
    for row, line in zip(told["rows"], CERTIFIED.table(tmp_path)[2:], strict=True):
        assert row["right"]["value"] > 0.7 and 0 <= row["median"] <= row["partitions"] / 2
        assert line.startswith(f"| {row['partitions']} | {100 * row['right']['value']:.1f} (")
