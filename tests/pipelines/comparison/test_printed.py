"""What differs, on the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.drawn_matrix import CLEAN, NOTHING, campaign, cell, two_campaigns
from helpers.report_fixture import build_run
from helpers.scenes import CLASSES, Scene

from pipelines.comparison import compare, printed
from pipelines.comparison.gaps import say_gap, say_reach
from pipelines.comparison.two_runs import TwoRuns
from pipelines.matrix.document import Row


def said(first: Path, second: Path, capsys: pytest.CaptureFixture[str]) -> str:
    printed.show(compare(first, second), Path("runs/comparison.html"))
    return capsys.readouterr().out


def row(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line for word in words))


def test_settings_data_and_numbers_are_tables_and_the_page_comes_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = build_run(tmp_path / "first", Scene(hardened_asr=0.4, config={"seed": 3}))
    text = said(first, build_run(tmp_path / "second"), capsys)
    assert text.startswith("The gate passes second and rejects first.\n")
    assert row(text, "seed", "3", "0")
    assert row(text, "Evaluate → evaluation", "metrics.json") or row(text, "Evaluate → evaluation", "more")
    better = row(text, "hardened", "ASR of cyan-square")
    assert "lower" in better and " to −" in better and "points" in better
    assert "cannot be told apart" in row(text, "victim", "clean accuracy")
    assert "passes the gate" in row(text, "hardened", "gate", "rejected")
    assert text.endswith("comparison: runs/comparison.html\n") and "\x1b" not in text


def test_on_a_narrow_terminal_no_number_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    first = build_run(tmp_path / "default-20261121-101500", Scene(hardened_asr=0.4))
    text = re.sub(r"\x1b\[[0-9;]*m", "", said(first, build_run(tmp_path / "second"), capsys))
    assert max(map(len, text.splitlines()[2:-1])) <= 80
    found = compare(first, tmp_path / "second")
    assert isinstance(found, TwoRuns)
    for line in found.lines:
        assert (
            say_gap(line.gap, line.unit) in text
            and say_reach(line.gap, line.unit).removesuffix(" points") in text
        )


def test_what_does_not_differ_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(build_run(tmp_path / "first"), build_run(tmp_path / "second"), capsys)
    assert "settings: the same\n" in text


def test_markup_in_a_name_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = ("[red]x[/]", "[/nothing]", "a\x1b[31mb", *CLASSES[3:])
    plain = build_run(tmp_path / "first")
    text = said(plain, build_run(tmp_path / "second", Scene(classes=classes)), capsys)
    assert "[red]x[/]" in text and "\x1b" not in text


def test_the_tables_of_a_campaign_show_what_can_be_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(*two_campaigns(tmp_path), capsys)
    assert text.startswith("1 of 6 numbers can be told apart.\n")
    assert "lower" in row(text, "cyan square, 1%", "retrain", "ASR", "−35.0 points")
    assert "clean, retrain: whole → failed: Harden: out of memory" in text
    assert "clean accuracy" not in text, "what cannot be told apart is on the page"
    assert row(text, "seeds", "[0, 1]", "[0, 1, 2]") and row(text, "keras", "3.14.0", "3.15.1")


def test_of_a_long_table_the_page_has_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tuple(Row(id=f"r{k}", title=f"r{k}") for k in range(50))
    before, after = (tuple(cell(each, CLEAN, asr, 1800) for each in rows) for asr in (1500, 100))
    first, second = campaign(tmp_path / "a", rows, before), campaign(tmp_path / "b", rows, after)
    text = said(first, second, capsys)
    assert text.count("lower") == 40 and "and 10 more, see the page" in text
    assert NOTHING.title not in text
