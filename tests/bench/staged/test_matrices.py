"""The campaigns of `bench/campaigns`: that they are such, and how their matrices are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.matrices import draw

from bench.staged.attacks import TABLES
from bench.staged.combination import COMBINATION
from bench.staged.inspected import INSPECTED
from bench.staged.matrices import CAMPAIGNS, MATRICES, Matrices, written
from bench.staged.repairs import REPAIRS
from bench.staged.screens import SCREENS
from pipelines.matrix.cells import cells_of
from pipelines.matrix.document import Matrix
from pipelines.matrix.entries import read_campaign


@pytest.mark.parametrize("file", sorted(CAMPAIGNS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_campaign_says_what_it_shows_and_every_cell_of_it_is_an_entry(file: Path) -> None:
    campaign = read_campaign(file)
    assert campaign.name == file.stem and "seed" in campaign.words, "its header says on how many seeds"
    assert f"python -m pipelines campaign bench/campaigns/{file.name}" in file.read_text()
    for cell in cells_of(campaign):
        if cell.seed == campaign.seeds[0]:
            cell.config()
    tables = *MATRICES.values(), *TABLES.values(), *SCREENS.values(), *REPAIRS.values(), INSPECTED
    assert file.name in {each.file for each in tables} | COMBINATION.files.keys()


def test_a_copy_of_a_campaign_differs_in_the_lines_that_are_given(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nseeds = [0, 1]\n\n[[attacks]]\nname = "mine"\n')
    copy = written(tmp_path / "runs" / "own.toml", file, "seeds = [1]", 'name = "own"')
    assert copy.read_text() == 'name = "own"\nseeds = [1]\n\n[[attacks]]\nname = "mine"\n'
    with pytest.raises(ValueError, match=r"no line 'data\.path = "):
        written(copy, file, 'data.path = "x.npz"')


def test_what_is_committed_is_the_matrix_without_what_is_of_a_machine(tmp_path: Path) -> None:
    toy, matrix = Matrices("toy", "a toy", "toy.toml", 1), draw().model_dump(mode="json")
    told = toy.told(matrix)
    (tmp_path / "toy.json").write_text(json.dumps(told))
    runs = [run for cell in told["matrix"]["cells"] for run in cell["runs"]]
    assert runs and not any({"command", "report", "pictures"} & run.keys() for run in runs)
    numbers = [cell["numbers"] for cell in matrix["cells"]]
    assert [cell["numbers"] for cell in told["matrix"]["cells"]] == numbers
    lines = toy.table(tmp_path)
    assert len(lines) == 2 + len(matrix["rows"])
    whole = Matrix.model_validate(matrix)
    cell = next(each for each in whole.cells if "asr" in each.numbers)
    title = next(row.title for row in whole.rows if row.id == cell.row)
    (line,) = [each for each in lines if each.startswith(f"| {title} |")]
    assert f"{100 * cell.numbers['asr'].value:.1f} (" in line
