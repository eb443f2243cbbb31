"""A table of all attacks or defenses, and one of them explained, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipelines.catalogue.told import Setting, Told
from pipelines.page.terminal import open_console


def show_all(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the table.

    Parameters
    ----------
    title : str
    headings : sequence of str
    rows : iterable of sequence of str
        A cell a heading; the first, the kind, is not wrapped.
    """
    table = Table(*headings, title=title, title_justify="left")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*map(escape, row))
    open_console().print(table)


def show_one(told: Told, picture: Path | None = None) -> None:
    """Print what it is, its settings, an entry to copy, and what it reached where it was measured.

    Parameters
    ----------
    told : Told
    picture : Path, optional
        Where a picture of what it does was written.
    """
    console = open_console()
    console.print(f"[bold]{escape(told.kind)}[/]: {escape(told.title)}")
    for heading, text in told.facts:
        console.print(escape(f"{heading}: {text}"))
    console.print(f"\n{escape(told.explanation)}\n")
    console.print(_settings(told.settings) if told.settings else "It has no settings.")
    console.print(f"\nAn entry to copy:\n\n{escape(told.entry)}", soft_wrap=True)
    for sentence in told.measured:
        console.print(f"Measured: {escape(sentence)}")
    if picture is not None:
        console.print(f"picture: {picture}", soft_wrap=True, markup=False)


def _settings(settings: Iterable[Setting]) -> Table:
    table = Table("setting", "type", "default", "what it is")
    for setting in settings:
        texts = (setting.name, setting.type, setting.default, setting.text)
        table.add_row(*(escape(text.replace("`", "")) for text in texts))
    return table
