"""Pieces put together in a file: the same array, of which a block is held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.memory import risen

from boomerang.blocks import BLOCK_BYTES, blocks
from processing.sharing.spool import Spool, save_rows

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("sizes", [[3], [0], [0, 3, 0, 2], [1] * 9])
@pytest.mark.parametrize("held", [BLOCK_BYTES, 50])
def test_pieces_are_the_array_that_they_were_cut_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], held: int
) -> None:
    monkeypatch.setattr("processing.sharing.spool.BLOCK_BYTES", held)
    pieces = [RNG.random((size, 2, 3)).astype(np.float32) for size in sizes]
    spool, whole = Spool(), np.concatenate(pieces)
    for piece in pieces:
        spool.add(piece)
    rows = spool.rows()
    assert np.array_equal(rows, whole) and rows.dtype == np.float32
    np.save(tmp_path / "whole.npy", whole, allow_pickle=False)
    save_rows(tmp_path / "pieces.npy", iter(pieces))
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_the_only_piece_is_given_back_as_it_is() -> None:
    spool, rows = Spool(), np.zeros(5)
    spool.add(rows)
    assert spool.rows() is rows


def test_a_piece_of_another_kind_is_a_mistake() -> None:
    spool = Spool()
    spool.add(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="float32"):
        spool.add(np.zeros((2, 3), np.float32))


def test_of_a_large_array_a_few_blocks_are_held() -> None:
    spool, piece = Spool(), np.arange(8 << 20, dtype=np.uint8).reshape(-1, 1 << 10)
    with risen() as rise:
        for number in range(25):
            spool.add(piece + np.uint8(number))
        rows = spool.rows()
        for part, block in blocks(rows):
            assert block[0, 0] == part.start // len(piece) % 256
    assert rows.nbytes == 25 * piece.nbytes and rise.bytes < 64 << 20
