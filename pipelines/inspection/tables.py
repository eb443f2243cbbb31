"""An inspection on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.inspection.document import Document
from pipelines.page.terminal import open_console
from pipelines.page.wording import duration, percent

_SAYS = {True: "[red]alarm[/]", False: "nothing found", None: "a hint"}


def show(document: Document, page: Path) -> None:
    """Print the verdict with its evidence, what repairs make of the model, and where the page is."""
    console = open_console()
    verdict = document["verdict"]
    console.print(f"[bold]{escape(verdict['headline'])}.[/]")
    table = _table("check", "says", "class", "statistic")
    for each in verdict["evidence"]:
        table.add_row(
            escape(each["check"]), _SAYS[each["alarm"]], escape(each["target"] or ""), escape(each["words"])
        )
    console.print(table)
    if document["lab"]:
        _show_lab(console, document["lab"])
    took = ", ".join(f"{name} {duration(seconds)}" for name, seconds in document["cpu_seconds"].items())
    console.print(f"of the processor: {took}", markup=False)
    console.print(f"page: {page}", soft_wrap=True, markup=False)


def _show_lab(console: Console, lab: Document) -> None:
    table = _table("model", "accuracy", "ASR", "refused, clean", "refused, triggered", "note")
    for each in lab["models"]:
        rates = (each[name] for name in ("accuracy", "asr", "refused_clean", "refused_triggered"))
        table.add_row(escape(each["title"]), *map(_share, rates), escape(each["note"]))
    console.print(table)


def _share(rate: dict[str, Any] | None) -> str:
    return "" if rate is None else percent(rate["value"])


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
