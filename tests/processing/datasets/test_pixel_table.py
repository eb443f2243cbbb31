"""Tables of pixels as on Kaggle, from real files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.pixel_table import PixelTable
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (30, 81), np.uint8), np.arange(30) % 3
NAMES = [f"pixel{number}" for number in range(81)]


def load(path: Path) -> Corpus:
    return PixelTable().blueprint(Request(path)).build(alone)


def table(separator: str = ",", last: bool = False) -> str:
    columns = [*NAMES, "label"] if last else ["label", *NAMES]
    rows = np.column_stack([X, Y] if last else [Y, X])
    return "\n".join([separator.join(columns), *(separator.join(map(str, row)) for row in rows)]) + "\n"


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_row_is_an_image_wherever_its_label_stands(tmp_path: Path, separator: str, last: bool) -> None:
    (tmp_path / "train.csv").write_text(table(separator, last))
    found = load(tmp_path / "train.csv")
    rows = {image.tobytes(): label for image, label in zip(X, Y, strict=True)}
    assert (len(found.train), len(found.test), found.name) == (24, 6, "train")
    for split in (found.train, found.test):
        assert split.x.shape[1:] == (9, 9, 1)
        assert [rows[image.tobytes()] for image in split.x] == split.y.tolist()


def test_a_test_table_without_labels_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(table().encode()))
    (tmp_path / "test.csv").write_text(",".join(NAMES) + "\n")
    found = load(tmp_path)
    assert [entry["name"] for entry in found.refused] == ["test.csv"] and len(found.test) == 6


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("\n1,", "\none,", 1), r"line 3 has b'one' for a whole number"),
        (lambda text: text.replace("\n1,", "\n=cmd(),", 1), r"line 3 has b'=cmd\(\)'"),
        (lambda text: text.replace("\n1,", "\n1,256,", 1), "line 3 has 83 values, the first has 82"),
        (lambda text: text + "1," + ",".join(["7"] * 80 + ["256"]) + "\n", "line 32 has a value that is not"),
        (lambda text: text.partition("\n")[0] + "\n", "it has no row"),
        (lambda text: text + "1" * (1 << 20) + "\n", "a line has more than"),
    ],
    ids=["a word", "a formula", "too many", "too bright", "none", "a line without end"],
)
def test_what_is_no_number_is_refused_by_its_line(
    tmp_path: Path, change: Callable[[str], str], why: str
) -> None:
    (tmp_path / "train.csv").write_text(change(table()))
    with pytest.raises(BadInput, match=why):
        load(tmp_path)


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    lines = table().splitlines()
    (tmp_path / "train.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    with pytest.raises(BadInput, match="80 values, which is no square"):
        load(tmp_path)
