"""`data`: what lies at a path, and the entry that uses it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, refuse_inside_run, writable_path


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "data",
        help="say what your data is, and how to use it",
        description="Look at a file or folder: what it was recognized as, its classes with their rows, what "
        "is made of it on the way, what is left out and why, and the entry of a config that uses it, to be "
        "copied. With --sheet, also draw some images of each class. Runs nothing.",
    )
    command.set_defaults(act=data)
    command.add_argument("path", metavar="FILE", help="a file, a folder, or an s3:// address")
    command.add_argument(
        "--source",
        default="",
        metavar="KIND",
        help="what reads it (default: its content tells)",
    )
    command.add_argument("--json", action="store_true", help="print all of it as JSON")
    command.add_argument(
        "--sheet", type=writable_path, metavar="FILE", help="a PNG to write: some images of each class"
    )


def data(options: Namespace) -> int:
    """Print what lies at a path, and draw it where that was asked."""
    import json

    from pipelines.glance.as_table import show
    from pipelines.glance.look import look

    sheet: Path | None = options.sheet
    if sheet is not None:
        _check_sheet(sheet)
    found = look(options.path, options.source)
    if sheet is not None:
        from boomerang.safeio import write_bytes_atomic
        from pipelines.glance.sheet import draw

        write_bytes_atomic(sheet, draw(found, Path(found.data.path)))
    if options.json:
        print(json.dumps(found.document(), indent=2))
    else:
        show(found, sheet)
    return EXIT_PASSED


def _check_sheet(sheet: Path) -> None:
    what = f"--sheet {sheet}"
    if sheet.suffix != ".png":
        raise UsageError(what, "it is a PNG that is written", "give a name that ends in .png")
    if sheet.is_dir():
        raise UsageError(what, "it is a folder", "give a file in it")
    refuse_inside_run(sheet, what)
