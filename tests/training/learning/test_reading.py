"""The rows of the batches: each once an epoch, in an order by seed and epoch, and never all in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.ranges import ROOT

from training.labeled import Labeled, Picked, joined, picked
from training.learning.reading import Reading, row_order

ROWS = 1000


def numbered() -> Labeled:
    """Return rows that say which they are."""
    y = np.arange(ROWS)
    x = np.zeros((ROWS, 4, 4, 3), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 0, 1] = y % 256, y // 256
    return Labeled(x, y)


def epoch_of(reading: Reading, epoch: int) -> list[int]:
    """Return the rows of an epoch, each batch held against its images and labels."""
    rows: list[int] = []
    for step in range(reading.steps):
        batch = reading(epoch, step)
        told = batch.x[:, 0, 0, 0].astype(int) + 256 * batch.x[:, 0, 0, 1].astype(int)
        assert np.array_equal(told, batch.y) and len(batch.x) <= reading.batch
        rows += batch.y.tolist()
    return rows


@pytest.mark.parametrize("most", [None, 12_000])
def test_every_row_is_learned_once_an_epoch(most: int | None) -> None:
    reading = Reading(numbered(), 0, 96, most)
    assert reading.windowed is (most is not None)
    orders = [epoch_of(reading, epoch) for epoch in (0, 1, 0)]
    assert all(sorted(order) == list(range(ROWS)) for order in orders)
    assert orders[0] == orders[2] != orders[1] and orders[0] != list(range(ROWS))
    assert epoch_of(Reading(numbered(), 1, 96, most), 0) != orders[0]


def test_rows_that_fit_are_in_the_order_of_a_permutation() -> None:
    reading = Reading(numbered(), 3, 128)
    assert epoch_of(reading, 2) == row_order(3, 2, ROWS).tolist()


def test_any_batch_can_be_the_first_that_is_asked_for() -> None:
    whole = Reading(numbered(), 0, 96, 12_000)
    for step in (0, 3, 7, 10, 2):
        again = Reading(numbered(), 0, 96, 12_000)(4, step)
        assert all(np.array_equal(a, b) for a, b in zip(again, whole(4, step), strict=True))


def test_a_window_is_of_blocks_from_all_over_the_data() -> None:
    """Sorted by class, as a folder of pictures is, a batch has rows of most of the data all the same."""
    x = np.zeros((20_000, 4, 4, 3), np.uint8)
    reading = Reading(Labeled(x, np.arange(20_000)), 0, 128, x.nbytes // 4)
    tenths = np.bincount(reading(0, 0).y // 2000, minlength=10)
    assert (tenths > 0).all()


def test_picked_rows_are_a_copy_only_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = numbered()
    keep = y % 3 > 0
    assert type(picked(x, y, keep).x) is np.ndarray
    monkeypatch.setattr("training.labeled.IN_MEMORY", 12_000)
    view = picked(x, y, keep)
    assert isinstance(view.x, Picked) and len(view.x) == keep.sum() and view.x.shape == x[keep].shape
    assert np.array_equal(np.asarray(view.x), x[keep]) and view.x.nbytes == x[keep].nbytes
    assert np.array_equal(view.x[5:9], x[keep][5:9])
    reading = Reading(view, 0, 64)
    assert reading.windowed and sorted(epoch_of(reading, 0)) == y[keep].tolist()


def test_joined_rows_are_those_of_both_however_they_are_asked_for() -> None:
    x, y = numbered()
    rows = joined(Labeled(x[:300], y[:300]), Labeled(x[300:], y[300:]))
    assert rows.x.shape == x.shape and rows.x.nbytes == x.nbytes and len(rows.x) == ROWS
    assert np.array_equal(rows.y, y) and np.array_equal(np.asarray(rows.x), x)
    for key in (slice(298, 303), slice(0, 2), [999, 1, 300, 299], y % 3 == 0, 5, -1):
        assert np.array_equal(rows.x[key], x[key])
    whole = Reading(Labeled(x, y), 0, 96)
    assert epoch_of(Reading(rows, 0, 96), 0) == epoch_of(whole, 0)
    some = picked(*rows, y % 3 > 0)
    assert np.array_equal(some.x, x[y % 3 > 0]) and np.array_equal(some.y, y[y % 3 > 0])
    assert sorted(epoch_of(Reading(rows, 0, 64, 12_000), 0)) == y.tolist()


BOUNDED = """
import sys
import numpy as np
from training.labeled import Labeled, joined, picked
from training.learning.reading import Reading

x = np.lib.format.open_memmap(sys.argv[1], mode="r")
y = np.zeros(len(x), np.int64)

def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

before = peak_mb()
half = len(x) // 2
parts = Labeled(x[:half], y[:half]), Labeled(x[half:], y[half:])
for rows in (Labeled(x, y), picked(x, y, np.arange(len(x)) % 8 > 0), joined(*parts)):
    reading = Reading(rows, 0, 4096, 64 << 20)
    seen = sum(len(reading(0, step).x) for step in range(reading.steps))
    assert seen == len(rows.y)
print("grown by", peak_mb() - before)
"""


def test_600_mb_are_read_with_a_bound_of_64(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.lib.format.open_memmap(file, "w+", np.uint8, (200_000, 32, 32, 3)).flush()  # sparse
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 100, done.stdout
