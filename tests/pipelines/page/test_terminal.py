"""Tables on a terminal: colored by us alone."""

from __future__ import annotations

import re
import sys

import pytest
from rich.table import Table
from rich.text import Text

from boomerang.shown import printable, shown
from pipelines.page.terminal import open_console

HOSTILE = "a\x1b[8mhidden\x1b[0m\u202eb"


def draw() -> None:
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    table.add_row("[red]ours[/]")
    console = open_console()
    console.print(table)
    console.print(HOSTILE, markup=False, soft_wrap=True)


@pytest.mark.parametrize("terminal", [False, True])
def test_no_text_of_a_table_acts_on_a_terminal(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
    with shown():
        draw()
    said = capsys.readouterr().out
    assert "\x1b[8m" not in said and "\u202e" not in said
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert plain.count(printable(HOSTILE)) == 5
    assert ("\x1b[31mours" in said) is terminal
    # What is measured is what is drawn: no line of the frame is longer than another.
    frame = {len(line) for line in plain.splitlines() if line[:1] in "┏┃┡│└"}
    assert len(frame) == 1


def test_without_the_streams_of_a_command_it_escapes_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert not hasattr(sys.stdout, "styled")
    draw()
    assert capsys.readouterr().out.count(printable(HOSTILE)) == 5
