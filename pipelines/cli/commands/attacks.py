"""`attacks`: all attacks in a table, or one explained."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, refuse_inside_run, writable_path


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "attacks",
        help="list the attacks, or explain one",
        description="List all attacks with what each wants and needs. With a name, explain that one: its "
        "settings, an entry to copy, and what to expect. With --picture, also draw what it does to images of "
        "the bundled data, before and after.",
    )
    command.set_defaults(act=attacks)
    command.add_argument("attack", nargs="?", metavar="ATTACK", help="the kind of one, for example badnets")
    command.add_argument(
        "--picture", type=writable_path, metavar="FILE", help="a PNG to write: images before and after"
    )


def attacks(options: Namespace) -> int:
    """List all attacks, or explain one."""
    from pipelines.catalogue.attacks import HEADINGS, table_row, tell_attack
    from pipelines.catalogue.on_terminal import show_all, show_one
    from processing.attacks import ATTACKS

    if options.attack is None:
        if options.picture is not None:
            raise UsageError("--picture", "it is of one attack", "name the attack")
        show_all("attacks", HEADINGS, map(table_row, ATTACKS.values()))
        return EXIT_PASSED
    told = tell_attack(options.attack)
    if options.picture is not None:
        _draw(told.kind, options.picture)
    show_one(told, options.picture)
    return EXIT_PASSED


def _draw(kind: str, file: Path) -> None:
    """Write the picture of an attack, where it may lie."""
    from boomerang.safeio import write_bytes_atomic
    from pipelines.catalogue.contact_sheet import draw
    from pipelines.catalogue.sample import staged

    if file.suffix != ".png":
        raise UsageError(f"--picture {file}", "it is a PNG that is written", "give a name that ends in .png")
    if file.is_dir():
        raise UsageError(f"--picture {file}", "it is a folder", "give a file in it")
    refuse_inside_run(file, f"--picture {file}")
    write_bytes_atomic(file, draw(staged(kind)))
