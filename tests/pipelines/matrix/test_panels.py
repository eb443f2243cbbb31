"""What the script of the page knows: the values it sorts by, texts fit to be shown, each picture once."""

from __future__ import annotations

from helpers import matrices

from pipelines.matrix.document import Matrix
from pipelines.matrix.panels import panels
from pipelines.matrix.quantities import ASR, DER


def test_a_cell_has_the_values_of_the_matrix_and_none_where_nothing_was_measured() -> None:
    matrix = matrices.troubled()
    shown = panels(matrix)
    keys = [quantity.key for quantity in matrix.quantities]
    for row, line in zip(matrix.rows, shown["cells"], strict=True):
        for column, cell in zip(matrix.columns, line, strict=True):
            own = matrix.cell(row.id, column.id)
            values = [number and number["value"] for number in cell["numbers"]]
            assert values == [own.numbers[key].value if key in own.numbers else None for key in keys]
            assert (cell["status"], len(cell["runs"])) == (own.status, len(own.runs))
    assert shown["cells"][0][1]["numbers"][keys.index(DER)] is None
    assert shown["cells"][3][1]["numbers"][keys.index(ASR)]["difference"]["text"].startswith("−")


def test_each_picture_is_there_once_however_many_runs_show_it() -> None:
    matrix = matrices.draw()
    shown = panels(matrix)
    assert len(shown["pictures"]) == 2
    words, place = shown["cells"][2][1]["runs"][0]["pictures"][1]
    assert words == "with the trigger"
    assert shown["pictures"][place] == matrix.cells[0].runs[0].pictures[1].source


def replaced(matrix: Matrix, **told: object) -> Matrix:
    """The same matrix with one thing of the first run told otherwise."""
    first = matrix.cells[0]
    run = first.runs[0].model_copy(update=told)
    cell = first.model_copy(update={"runs": (run, *first.runs[1:])})
    return matrix.model_copy(update={"cells": (cell, *matrix.cells[1:])})


def test_a_column_is_named_without_its_data_set_which_is_named_beside_it() -> None:
    columns = panels(matrices.draw())["columns"]
    assert columns[0] == {"title": "nobody attacks", "data": "Drawn", "attack": "clean", "clean": True}
    assert (columns[5]["title"], columns[5]["data"]) == ("BadNets, 1%", "Fashion-mnist")


def test_paths_of_this_machine_and_hidden_characters_are_taken_out() -> None:
    why = "cannot read /home/ann/secret/x.npy\u202e"
    run = panels(replaced(matrices.draw(), why=why, command="run --config /home/ann/a.toml"))["cells"][0][0][
        "runs"
    ][0]
    assert run["why"] == "cannot read …/x.npy\\u202e"
    assert run["command"] == "run --config …/a.toml"


def test_a_report_is_a_path_whatever_it_says() -> None:
    run = panels(replaced(matrices.draw(), report="javascript:alert(1)//"))["cells"][0][0]["runs"][0]
    assert run["report"] == "javascript%3Aalert%281%29//"
    plain = panels(matrices.draw())["cells"][0][0]["runs"][0]
    assert plain["report"].startswith("../screens-nothing-drawn.clean-0/")
