"""Fashion-MNIST from the sheets that come with the project, and what is refused of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.errors import IntegrityError
from pipelines.campaign.entry import load
from processing.datasets.common.corpus import Request
from processing.datasets.fashion_mnist import FashionMnist
from processing.sharing.tasks import alone

BUNDLED = ROOT / "images" / "fashion-mnist"


def test_the_bundled_part_is_read_as_it_is() -> None:
    corpus = FashionMnist().blueprint(Request(BUNDLED)).build(alone)
    assert (corpus.name, corpus.refused) == ("fashion-mnist-12k", ())
    assert corpus.train.x.shape == (10_000, 28, 28, 1) and corpus.test.x.shape == (2_000, 28, 28, 1)
    assert 60 < corpus.train.x.mean() < 85 and corpus.train.x.max() == 255


def test_a_sheet_that_was_changed_is_said_before_anything_runs(tmp_path: Path) -> None:
    folder = shutil.copytree(BUNDLED, tmp_path / "mine")
    sheet = folder / "train-2.webp"
    sheet.write_bytes(sheet.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match=r"train-2.webp has been changed"):
        load("fashion", [f"data.path={folder}"])
    with pytest.raises(IntegrityError, match=r"train-2.webp has been changed"):
        FashionMnist().blueprint(Request(folder))


def test_the_entry_reads_nothing_but_the_repository() -> None:
    config = load("fashion")
    assert Path(config.data.path) == BUNDLED and config.pictures == ()
