"""A look at data on a terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipelines.glance.look import Look, spread
from pipelines.page.terminal import open_console
from processing.datasets.common.survey import Survey

_MOST_CLASSES = 20
_MOST_NAMED = 3


def show(found: Look, sheet: Path | None = None) -> None:
    """Print what was recognized, the classes, what was made of the files and left out, and the entry.

    Parameters
    ----------
    found : Look
    sheet : Path, optional
        Where a picture of some images was written.
    """
    console, survey = open_console(), found.survey
    height, width, channels = survey.image
    console.print(escape(f"recognized: {survey.words} (source {found.data.source})"), soft_wrap=True)
    color = {1: "gray", 3: "color"}.get(channels, f"{channels} channels")
    console.print(f"images: {height} x {width}, {color}")
    console.print(_classes(survey))
    for note in survey.notes:
        console.print(escape(f"note: {note}"), soft_wrap=True)
    for reason, names in _left_out(survey).items():
        shown = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
        console.print(escape(f"left out: {len(names):,} because {reason}: {shown}"), soft_wrap=True)
    console.print(f"\nAn entry to copy:\n\n{escape(found.entry())}\n", soft_wrap=True)
    if sheet is not None:
        console.print(f"contact sheet: {sheet}", soft_wrap=True, markup=False)


def _classes(survey: Survey) -> Table:
    """Return the classes with their rows; of many the first, and how the rows of all are spread."""
    table = Table("class", *survey.counts, title=f"{len(survey.classes):,} classes", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for number, name in enumerate(survey.classes[:_MOST_CLASSES]):
        table.add_row(escape(name), *(f"{rows[number]:,}" for rows in survey.counts.values()))
    if len(survey.classes) > _MOST_CLASSES:
        table.add_row(f"and {len(survey.classes) - _MOST_CLASSES:,} more (--json names all)")
        for what in ("min", "median", "max"):
            table.add_row(f"{what} of all", *(f"{spread(rows)[what]:,g}" for rows in survey.counts.values()))
    table.add_section()
    table.add_row("all", *(f"{sum(rows):,}" for rows in survey.counts.values()))
    return table


def _left_out(survey: Survey) -> dict[str, list[str]]:
    """Return by reason, the most frequent first, the names of what is left out."""
    often = Counter(each["reason"] for each in survey.refused)
    return {
        reason: [each["name"] for each in survey.refused if each["reason"] == reason]
        for reason, _ in often.most_common()
    }
