"""The table for spreadsheets: the numbers of `matrix.json`, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from helpers import matrices

from pipelines.matrix.document import Matrix
from pipelines.matrix.quantities import ACCURACY, ASR, DER
from pipelines.matrix.table import csv_text


def lines_of(matrix: Matrix) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(csv_text(matrix), newline=""), strict=True))


def test_a_line_a_cell_with_every_number_as_matrix_json_has_it() -> None:
    matrix = matrices.troubled()
    lines = lines_of(matrix)
    document = json.loads(matrix.model_dump_json())
    assert len(lines) == len(document["cells"]) == 64
    for line, cell in zip(lines, document["cells"], strict=True):
        for quantity in document["quantities"]:
            key, number = quantity["key"], cell["numbers"].get(quantity["key"])
            told = {
                name: line[f"{key}{part}"]
                for name, part in (("value", ""), ("low", "_low"), ("high", "_high"))
            }
            assert told == {
                name: "" if not number or number[name] is None else str(number[name]) for name in told
            }
            if number:
                seeds = number["by_seed"].values()
                assert float(line[f"{key}_least"]) == min(seeds)
                assert float(line[f"{key}_most"]) == max(seeds)
                assert line[f"{key}_seeds"] == str(len(seeds))
                gap = number["difference"]
                assert line[f"{key}_difference"] == ("" if gap is None else str(gap["value"]))
                assert line[f"{key}_difference_low"] == ("" if gap is None else str(gap["low"]))


def test_a_line_says_what_its_cell_is_of_and_why_it_has_no_number() -> None:
    lines = lines_of(matrices.troubled())
    assert (lines[0]["data"], lines[0]["clean"], lines[0]["rate"]) == ("drawn", "yes", "")
    assert (lines[1]["attack"], lines[1]["rate"], lines[1]["defense"]) == ("BadNets", "0.01", "nothing")
    assert (lines[1]["control"], lines[63]["control"], lines[1][DER]) == ("yes", "no", "")
    (failed,) = [line for line in lines if line["status"] == "failed"]
    assert (failed["why"], failed[ASR], failed["seeds"]) == ("Harden: no class has 50 rows left", "", "0")
    (part,) = [line for line in lines if line["status"] == "part"]
    assert (part["seeds"], part[f"{ACCURACY}_seeds"]) == ("2", "2")
    assert sum(line["hatched"] != "" for line in lines) == 8
    assert sum(line["unreliable"] != "" for line in lines) == 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_text_is_no_formula(text: str) -> None:
    lines = lines_of(matrices.hostile(text))
    assert {line["why"] for line in lines} == {f"'{text}"}
    assert {line["defense"] for line in lines} == {"nothing", f"'{text}"}


def test_a_number_below_zero_is_a_number() -> None:
    lines = lines_of(matrices.draw())
    assert float(lines[17][f"{ASR}_difference"]) < 0


def test_commas_quotes_and_line_ends_stay_in_their_field() -> None:
    text = 'one, "two"\nthree'
    assert {line["why"] for line in lines_of(matrices.hostile(text))} == {text}
