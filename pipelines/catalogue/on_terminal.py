"""The table of all attacks, and one attack explained, on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipelines.catalogue.expected import figures_of, say_reached
from pipelines.catalogue.told import (
    HEADINGS,
    entry_to_copy,
    explanation,
    find_attack,
    kind_of,
    settings_of,
    table_row,
)
from pipelines.page.terminal import open_console
from processing.attacks import ATTACKS
from processing.attacks.common.references import cited


def show_all() -> None:
    """Print the table."""
    table = Table(*HEADINGS, title="attacks", title_justify="left")
    table.columns[0].no_wrap = True
    for attack in ATTACKS.values():
        table.add_row(*map(escape, table_row(attack)))
    open_console().print(table)


def show_one(kind: str, picture: Path | None = None) -> None:
    """Print what an attack is, its settings, an entry to copy, and what it reached where it was measured.

    Parameters
    ----------
    kind : str
    picture : Path, optional
        Where a picture of what it does was written.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    attack, console = find_attack(kind), open_console()
    console.print(f"[bold]{escape(kind_of(attack))}[/]: {escape(attack.title)}")
    for heading, cell in zip(HEADINGS[2:6], table_row(attack)[2:6], strict=True):
        console.print(f"{heading}: {escape(cell or 'nothing')}")
    for each in cited(attack.references):
        console.print(escape(f"{each['taxonomy']} {each['version']}: {each['id']} {each['name']}"))
    console.print(f"\n{escape(explanation(attack))}\n")
    table = Table("setting", "type", "default", "what it is")
    for setting in settings_of(attack):
        texts = (setting.name, setting.type, setting.default, setting.text)
        table.add_row(*(escape(text.replace("`", "")) for text in texts))
    console.print(table)
    console.print(f"\nAn entry to copy:\n\n{escape(entry_to_copy(kind))}", soft_wrap=True)
    for reached in figures_of(kind):
        console.print(f"Measured: {escape(say_reached(reached))}")
    if picture is not None:
        console.print(f"picture: {picture}", soft_wrap=True, markup=False)
