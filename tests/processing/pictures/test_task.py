"""Resizing a folder in shares: what `resize_folder` makes of it in one go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boomerang.digest import digest_tree
from boomerang.errors import BadInput
from processing.pictures.gray import luma
from processing.pictures.listing import listed
from processing.pictures.resize_folder import resize_folder
from processing.pictures.task import resizing, unread, write_resized
from processing.sharing.tasks import Piece, alone, joined

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, two files that are none, a hidden one and a subfolder."""
    source = tmp_path / "source"
    (source / "c-3").mkdir(parents=True)
    for number in (1, 2, 10, 11, 12):
        pixels = RNG.integers(0, 256, (20 + number, 30, 3), np.uint8)
        Image.fromarray(pixels).save(source / f"c-{number}.png")
    (source / "c-4.jpeg").write_bytes(b"\xff\xd8\xff")
    (source / "z.txt").write_text("hello")
    (source / ".DS_Store").write_text("hello")
    return source


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_shares_give_what_the_whole_folder_gives(tmp_path: Path, folder: Path, count: int) -> None:
    task = resizing("pictures", listed(folder), folder, (12, 12))
    piece = joined([task.make(*task.share(index, count)) for index in range(count)])
    report = write_resized(piece, folder, tmp_path / "shared", (12, 12))
    whole = resize_folder(folder, tmp_path / "whole", size_px=12)
    assert digest_tree(tmp_path / "shared") == digest_tree(tmp_path / "whole")
    assert (report.names, report.refused) == (whole.names, whole.refused)
    assert report.manifest == whole.manifest and report.array == tmp_path / "shared" / "images.npy"


def test_the_pictures_and_the_refused_files_are_given_apart(folder: Path) -> None:
    piece = alone(resizing("pictures", listed(folder), folder, (12, 12)))
    assert piece.rows.shape == (5, 12, 12, 3) and piece.rows.dtype == np.uint8
    assert [item["name"] for item in unread(piece)] == ["c-3", "c-4.jpeg", "z.txt"]


def test_a_folder_of_which_nothing_can_be_used_is_refused(tmp_path: Path, folder: Path) -> None:
    for file in folder.glob("c-*.png"):
        file.write_bytes(b"no picture")
    piece = alone(resizing("pictures", listed(folder), folder, (12, 12)))
    with pytest.raises(BadInput, match="no file in it is a usable picture"):
        write_resized(piece, folder, tmp_path / "out", (12, 12))
    assert not (tmp_path / "out").exists()


def test_the_rows_of_no_file_have_the_shape_of_others(folder: Path) -> None:
    nothing = resizing("pictures", listed(folder), folder, (12, 12)).make(3, 3)
    assert nothing.rows.shape == (0, 12, 12, 3) and nothing.rows.dtype == np.uint8
    assert isinstance(nothing, Piece) and nothing.notes == []


def test_gray_is_the_luma_of_the_colors(folder: Path) -> None:
    colored = alone(resizing("pictures", listed(folder), folder, (12, 20))).rows
    gray = alone(resizing("pictures", listed(folder), folder, (12, 20), channels=1)).rows
    assert gray.shape == (5, 12, 20, 1) and (gray == luma(colored)).all()
