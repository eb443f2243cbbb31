"""A question to the person at the terminal, and what changes before it is asked."""

from __future__ import annotations

import sys

from rich.markup import escape
from rich.table import Table

from aws.stack.changes import ChangeSet
from boomerang.errors import UsageError
from pipelines.page.terminal import open_console


def say(text: str) -> None:
    """Tell what goes on, beside what the command answers."""
    print(text, file=sys.stderr, flush=True)


def agreed(question: str, *, yes: bool) -> bool:
    """Return whether the person agrees.

    Raises
    ------
    UsageError
        If there is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(question, "there is no terminal to ask at", "look at what is listed, and give --yes")
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def agreed_to(changes: ChangeSet, *, yes: bool) -> bool:
    """Show the changes of a stack, and return whether the person agrees; see `agreed`."""
    show_changes(changes)
    return agreed(f"change stack {changes.stack}?", yes=yes)


def show_changes(changes: ChangeSet) -> None:
    """Print the changes, those first that may lose something."""
    table = Table(title=f"stack {changes.stack}", title_justify="left")
    for title in ("action", "resource", "type", "replaced", ""):
        table.add_column(title)
    for each in sorted(changes.changes, key=lambda change: not change.loses):
        note = f"[bold red]{escape(each.loses)}[/]" if each.loses else ""
        table.add_row(each.action, each.resource, each.type, each.replacement, note)
    open_console().print(table)
