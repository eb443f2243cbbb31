"""A cell of a campaign in containers, beside the same in processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.campaigns import BODY, run_campaign, write_campaign

from pipelines.matrix.document import MATRIX, Cell, read_matrix
from pipelines.matrix.quantities import ACCURACY, ASR, FPR, TPR

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900)]

ONE = BODY.replace("seeds = [0, 1]", "seeds = [0]\nclean = false\ncontrols = ['perfect']")


def cell(folder: Path, *words: str) -> Cell:
    file = write_campaign(folder, ONE)
    code, said = run_campaign(file, folder / "runs", "--only", "perfect", *words)
    assert code == 0, said
    return read_matrix(folder / "runs" / "small" / MATRIX).cell("perfect", "corner-0.04")


def test_a_cell_has_the_numbers_in_containers_that_it_has_in_processes(image: str, tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("process", "local")]
    for place in places:
        place.mkdir()
    one, other = cell(places[0]), cell(places[1], "--on", "local", "--image", image)
    assert one.status == other.status == "whole"
    for name in ("train", "test", "screen"):
        assert one.runs[0].digests[name] == other.runs[0].digests[name]
    assert (other.numbers[TPR].value, other.numbers[FPR].value) == (1, 0)
    for key in (ASR, ACCURACY):
        assert abs(one.numbers[key].value - other.numbers[key].value) < 0.02
