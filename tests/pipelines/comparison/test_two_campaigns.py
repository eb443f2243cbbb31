"""Two campaigns, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.drawn_matrix import CLEAN, NOTHING, RETRAIN, SQUARE, campaign, cell, two_campaigns

from boomerang.scoring import difference, rate
from pipelines.comparison import compare
from pipelines.comparison.gaps import SAME
from pipelines.comparison.two_campaigns import TwoCampaigns, TwoCells


def compared(first: Path, second: Path) -> TwoCampaigns:
    found = compare(first, second)
    assert isinstance(found, TwoCampaigns)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> TwoCampaigns:
    return compared(*two_campaigns(tmp_path_factory.mktemp("campaigns")))


def the_cell(found: TwoCampaigns, row: str, column: str) -> TwoCells:
    return next(cell for cell in found.cells if (cell.row, cell.column) == (row, column))


def test_cells_are_matched_by_row_and_column_whatever_their_place(found: TwoCampaigns) -> None:
    assert [(cell.row, cell.column) for cell in found.cells] == [
        ("nothing", "clean"),
        ("nothing", "cyan square, 1%"),
        ("retrain", "clean"),
        ("retrain", "cyan square, 1%"),
    ]
    assert [(one.row, one.column, one.where) for one in found.alone] == [
        ("random filter", "cyan square, 1%", "friday")
    ]


def test_each_number_has_the_interval_of_the_pooled_counts(found: TwoCampaigns) -> None:
    lines = {line.title: line for line in the_cell(found, "retrain", "cyan square, 1%").lines}
    asr = lines["ASR"]
    assert asr.gap is not None and (asr.word, asr.tone) == ("lower", "good")
    wanted = difference(rate(200, 4000), rate(1600, 4000))
    assert (asr.gap.value, asr.gap.low, asr.gap.high) == pytest.approx(wanted)
    assert lines["clean accuracy"].word == SAME
    der = lines["DER"]
    assert der.gap is not None and der.gap.low is None and der.word == ""


def test_a_cell_that_failed_says_how_it_ended_and_has_no_difference(found: TwoCampaigns) -> None:
    failed = the_cell(found, "retrain", "clean")
    assert (failed.old, failed.new) == ("whole", "failed: Harden: out of memory")
    assert failed.lines and all(line.new is None and line.gap is None for line in failed.lines)


def test_settings_are_those_of_seeds_rows_and_columns(found: TwoCampaigns) -> None:
    rows = {row.key: (row.old, row.new) for row in found.settings}
    assert rows["seeds"] == ("[0, 1]", "[0, 1, 2]")
    assert "random filter" in rows["rows.1"][1] and rows["rows.1"][0] == "–"
    assert set(rows) == {"seeds", "rows.1"}, "a row that moved is the same row"
    assert [(row.key, row.old, row.new) for row in found.versions] == [("keras", "3.14.0", "3.15.1")]


def test_digests_that_differ_are_named_by_cell_and_seed(found: TwoCampaigns) -> None:
    assert {row.key for row in found.data} == {
        "cyan square, 1%, nothing, seed 0: model: hardened",
        "cyan square, 1%, retrain, seed 0: model: hardened",
    }


def test_how_much_can_be_told_apart_is_counted(found: TwoCampaigns) -> None:
    assert found.headline == "1 of 6 numbers can be told apart"
    assert found.counted.startswith("4 cells in both, 1 cell in one alone; 2 differences")


def test_campaigns_without_a_common_cell_say_so(tmp_path: Path) -> None:
    first = campaign(tmp_path / "first", (NOTHING,), (cell(NOTHING, CLEAN, 1, 2),))
    second = campaign(tmp_path / "second", (RETRAIN,), (cell(RETRAIN, SQUARE, 1, 2),))
    found = compared(first, second)
    assert found.headline == "They have no cell in common" and found.cells == ()
    assert [one.where for one in found.alone] == ["first", "second"]


def test_columns_of_one_title_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    alike = SQUARE.model_copy(update={"title": CLEAN.title})
    cells = cell(NOTHING, CLEAN, 20, 1800), cell(NOTHING, alike, 1900, 1790)
    runs = [campaign(tmp_path / name, (NOTHING,), cells, columns=(CLEAN, alike)) for name in ("a", "b")]
    assert compared(*runs).columns == ("clean (clean)", "clean (square-1)")
