"""`defenses`: all defenses in a table, or one explained."""

from __future__ import annotations

from argparse import Namespace

from boomerang.errors import EXIT_PASSED
from pipelines.cli.options import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "defenses",
        help="list the defenses, or explain one",
        description="List all defenses, of the training rows, of the model and at inference, with what each "
        "assumes, costs and fails at. With a name, explain that one: its source, its settings, an entry to "
        "copy.",
    )
    command.set_defaults(act=defenses)
    command.add_argument(
        "defense", nargs="?", metavar="DEFENSE", help="the kind of one, for example spectral_signatures"
    )


def defenses(options: Namespace) -> int:
    """List all defenses, or explain one."""
    from pipelines.catalogue.defenses import HEADINGS, defenses, table_row, tell_defense
    from pipelines.catalogue.on_terminal import show_all, show_one

    if options.defense is None:
        show_all("defenses", HEADINGS, map(table_row, defenses()))
    else:
        show_one(tell_defense(options.defense))
    return EXIT_PASSED
