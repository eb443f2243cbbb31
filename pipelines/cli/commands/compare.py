"""`compare`: two runs, or two campaigns, beside each other."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, refuse_inside_run, writable_path

PAGE = "comparison.html"


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "compare",
        help="show what differs between two runs, or two campaigns",
        description="Show what differs between two runs in settings, data, code and numbers, or between two "
        "campaigns cell by cell: each difference of two rates with its 95% interval. On the terminal, and as "
        "a page. Changes neither of them, and ends with 0 whatever differs.",
    )
    command.set_defaults(act=compare)
    command.add_argument("first", type=Path, metavar="RUN", help="the folder of a run, or of a campaign")
    command.add_argument("second", type=Path, metavar="RUN", help="another, which is held against the first")
    command.add_argument(
        "--page", type=writable_path, metavar="FILE", help=f"(default: {PAGE} beside the second folder)"
    )


def compare(options: Namespace) -> int:
    """Write the page of what differs between two folders, and print it."""
    from boomerang.safeio import write_bytes_atomic
    from pipelines.comparison import compare as differences
    from pipelines.comparison.printed import show
    from pipelines.comparison.render import render

    page = options.page or options.second.resolve().parent / PAGE
    found = differences(options.first, options.second)
    if page.is_dir():
        raise UsageError(f"--page {page}", "it is a folder", "give a file in it")
    refuse_inside_run(page, f"--page {page}")
    write_bytes_atomic(page, render(found).encode())
    show(found, page)
    return EXIT_PASSED
