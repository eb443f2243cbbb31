"""Arrays larger than memory: blocks cover them, memory is let go, and what was written is the same folder."""

from __future__ import annotations

import errno
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from boomerang.blocks import blocks, let_go, new_dataset, row_digests, rows_at_once
from boomerang.errors import BadInput
from boomerang.manifest import Manifest, opened, write_dataset


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_blocks_cover_every_row_once_in_order():
    x = np.arange(10)
    parts = [(part.start, part.stop, block.tolist()) for part, block in blocks(x, 4)]
    assert parts == [(0, 4, [0, 1, 2, 3]), (4, 8, [4, 5, 6, 7]), (8, 10, [8, 9])]


def test_a_row_larger_than_a_block_is_a_block():
    assert rows_at_once(np.zeros((3, 64), np.uint8), 8) == 1


def test_going_through_a_mapping_keeps_a_block_of_it(tmp_path: Path):
    rows = 60_000
    np.save(tmp_path / "x.npy", np.ones((rows, 32, 32, 3), np.uint8))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    before, most, total = resident(), 0, 0
    for _, block in blocks(x):
        total += int(block[:, 0, 0, 0].sum()) + int(block[::2].max() - 1)
        most = max(most, resident())
    assert total == rows
    assert most - before < 64 << 20  # of 184 MB
    assert resident() - before < 32 << 20


def test_what_was_written_stays_when_it_is_let_go(tmp_path: Path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (1000, 4096))
    x[:] = 7
    let_go(x)
    assert (x == 7).all()
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[0] = 1
    let_go(private)
    assert (private[0] == 1).all()
    let_go(np.zeros(3))


@pytest.mark.parametrize("rows", [0, 5])
def test_a_dataset_that_is_written_in_place_is_the_one_that_is_written_at_once(tmp_path: Path, rows: int):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (rows, 4, 4, 3), np.uint8)
    labels = rng.integers(0, 2, rows, np.int64)
    manifest = Manifest(name="noise", classes=("a", "b"), seed=3)
    with new_dataset(tmp_path / "new", rows, (4, 4, 3), manifest) as (x, y):
        x[:], y[:] = images, labels
    written = write_dataset(tmp_path / "old", images, labels, name="noise", classes=("a", "b"), seed=3)
    assert opened(tmp_path / "new").manifest.digest == written.manifest.digest


def test_a_label_without_a_class_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(BadInput, match=r"span 0\.\.2"),
        new_dataset(tmp_path / "new", 3, (1, 1, 1), Manifest(name="n", classes=("a", "b"))) as (_, y),
    ):
        y[:] = [0, 1, 2]
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_an_error_before_the_first_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with (
        pytest.raises(OSError, match="No space left"),
        new_dataset(tmp_path / "new", 3, (1, 1, 1), Manifest(name="n", classes=("a",))),
    ):
        pytest.fail("there is room for no row")
    assert not list(tmp_path.iterdir())


NAMED = Manifest(name="noise", classes=("a", "b"), source_names=("here", "there"))


def test_who_delivered_the_rows_is_read_as_it_was_written(tmp_path: Path):
    with new_dataset(tmp_path / "d", 4, (2, 2, 1), NAMED, np.array([1, -1, 0, 1]), row_digests) as (x, y):
        x[:], y[:] = np.arange(16).reshape(x.shape), [0, 1, 1, 0]
    found = opened(tmp_path / "d")
    assert found.manifest.source_names == ("here", "there")
    assert found.sources is not None and found.sources.tolist() == [1, -1, 0, 1]
    assert np.array_equal(found.vouched, row_digests(found.x, found.y))


def test_where_nobody_is_known_nothing_of_sources_is_written(tmp_path: Path):
    for name, manifest in (("one", NAMED), ("two", Manifest(name="noise", classes=("a", "b")))):
        with new_dataset(tmp_path / name, 4, (2, 2, 1), manifest):
            pass
    one, two = (opened(tmp_path / name) for name in ("one", "two"))
    assert one.manifest.digest == two.manifest.digest
    assert one.sources is None and one.vouched is None and set(one.manifest.files) == {"x.npy", "y.npy"}
    assert "source_names" not in (tmp_path / "one" / "manifest.json").read_text()


@pytest.mark.parametrize("sources", [[0, 2], [-2, 0], [0], [0.0, 1.0]])
def test_sources_without_a_name_leave_nothing(tmp_path: Path, sources: list[float]):
    with (
        pytest.raises(BadInput, match="sources of the rows"),
        new_dataset(tmp_path / "d", 2, (1, 1, 1), NAMED, np.array(sources)),
    ):
        pytest.fail("it was begun")
    assert not list(tmp_path.iterdir())


def test_a_row_s_digest_is_of_its_label_and_its_pixels():
    x, y = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1), np.array([0, 1, 0])
    expected = [
        sha256(int(b).to_bytes(8, "little") + a.tobytes()).digest() for a, b in zip(x, y, strict=True)
    ]
    assert [row.tobytes() for row in row_digests(x, y)] == expected
