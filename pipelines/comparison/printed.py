"""What differs, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.comparison.gaps import Line, say_between, say_gap, say_reach, say_value
from pipelines.comparison.key_by_key import Change
from pipelines.comparison.traces import Content, Names
from pipelines.comparison.two_campaigns import TwoCampaigns
from pipelines.comparison.two_runs import TwoRuns
from pipelines.page.terminal import open_console
from pipelines.page.wording import plural

# Rows of a table of a campaign, of which there may be thousands; the page has all.
_MOST = 40
# Columns of a terminal on which a number and its interval stand in one line.
_WIDE = 130
# Letters of a run's name above its numbers, where a terminal is narrower.
_LONGEST_HEAD = 14
_STYLES = {"good": "green", "bad": "red"}


def show(found: TwoRuns | TwoCampaigns, page: Path) -> None:
    """Print what differs, and where the page is."""
    console = open_console()
    console.print(f"[bold]{escape(found.headline)}.[/]")
    console.print(escape(found.counted))
    if isinstance(found, TwoRuns):
        _show_runs(console, found)
    else:
        _show_campaigns(console, found)
    console.print(f"comparison: {page}", soft_wrap=True, markup=False)


def _show_runs(console: Console, found: TwoRuns) -> None:
    _show_changes(console, "settings", found.names, found.settings)
    if found.others:
        table = _table("data and models", "", *found.names, "files that differ")
        for thing in found.others:
            table.add_row(
                *map(escape, (thing.title, _content(thing.old), _content(thing.new))), _few(thing.files)
            )
        console.print(table)
    if found.code.files:
        table = _table("code", "", *found.names, "ran in")
        for file in found.code.files:
            table.add_row(*map(escape, (file.path, file.old[:12], file.new[:12], ", ".join(file.steps))))
        console.print(table)
    elif not found.code.unknown:
        console.print("code: the same")
    if found.code.versions is not None:
        _show_changes(console, "versions", found.names, found.code.versions)
    for said in found.code.unknown:
        console.print(f"[yellow]code not known:[/] {escape(said)}")
    if found.groups:
        table = _numbers("numbers", console.width, found.names, "", "")
        for group in found.groups:
            if group.words:
                note = "the same model" if group.same else ""
                table.add_row(group.title, "gate", *(word.text for word in group.words), "", note)
            for line in group.lines:
                table.add_row(group.title, *_cells(line, console.width))
        console.print(table)
        if found.paired:
            console.print(f"{found.paired} differences are of pairs: both runs answered the same images")


def _show_campaigns(console: Console, found: TwoCampaigns) -> None:
    _show_changes(console, "seeds, rows and columns", found.names, found.settings)
    _show_changes(console, "versions", found.names, found.versions)
    if found.data:
        console.print(f"{plural(len(found.data), 'digest')} of data and models differ, see the page")
    for cell in found.cells:
        if cell.old != cell.new:
            said = f"{cell.column}, {cell.row}: {cell.old} → {cell.new}"
            console.print(f"[yellow]{escape(said)}[/]")
    told = [(cell, line) for cell in found.cells for line in cell.lines if line.gap and line.gap.told]
    if told:
        table = _numbers("numbers that can be told apart", console.width, found.names, "column", "row", "")
        for cell, line in told[:_MOST]:
            table.add_row(escape(cell.column), escape(cell.row), *_cells(line, console.width))
        console.print(table)
    if len(told) > _MOST:
        console.print(f"and {len(told) - _MOST} more, see the page")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(escape(name), overflow="fold")
    return table


def _numbers(title: str, width: int, names: Names, *of: str) -> Table:
    """Return a table of numbers; however narrow the terminal, none of them is broken."""
    table = _table(title, *of)
    wide = width >= _WIDE
    for name, plain in (*zip(names, ("first", "second"), strict=True), ("difference", "difference")):
        head = name if wide or len(name) <= _LONGEST_HEAD else plain
        table.add_column(escape(head), overflow="fold", no_wrap=not wide)
    table.add_column(overflow="fold")
    return table


def _show_changes(console: Console, title: str, names: Names, rows: Sequence[Change]) -> None:
    if not rows:
        console.print(f"{title}: the same")
        return
    table = _table(title, "", *names)
    for row in rows:
        table.add_row(escape(row.key), escape(row.old), escape(row.new))
    console.print(table)


def _content(content: Content | None) -> str:
    return "not there" if content is None else content.digest[:12]


def _few(files: Sequence[str], most: int = 3) -> str:
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return escape(", ".join(files[:most]) + more)


def _cells(line: Line, width: int) -> list[str]:
    """Return a number of both sides as the cells of a row, from its title on, on a terminal of a width."""
    style = _STYLES.get(line.tone or "")
    word = line.word or ("" if line.gap is None else "no interval")
    texts = [(say_value(each, line.unit), say_between(each, line.unit)) for each in (line.old, line.new)]
    texts.append((say_gap(line.gap, line.unit), say_reach(line.gap, line.unit).removesuffix(" points")))
    cells = [_with(said, between, width) for said, between in texts]
    return [escape(line.title), *cells, f"[{style}]{word}[/]" if style else word]


def _with(said: str, between: str, width: int) -> str:
    """Return a number with its interval; below it where the terminal is narrow."""
    if not between:
        return said
    plain = between.replace("–", "-")
    return f"{said} ({plain})" if width >= _WIDE else f"{said}\n{plain}"
