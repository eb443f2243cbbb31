"""`report`: a run's report, written again."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, BadInput
from pipelines.cli.options import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "report",
        help="write a run's report again",
        description="Write report.html and report.json of a run again, from what its steps left, which has "
        "to be as it was recorded.",
    )
    command.set_defaults(act=report)
    command.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    command.add_argument(
        "--sign", type=Path, metavar="KEY", help="sign the record of a signed run again, with this key file"
    )


def report(options: Namespace) -> int:
    """Write the report of a run again."""
    from pipelines.report import write_report
    from pipelines.runners.ledger import write_report_again
    from pipelines.runs.records import EXECUTION, PAGE

    if not (options.run / EXECUTION).is_file():
        do = "give the folder of a run, for example runs/ID"
        raise BadInput(f"{options.run}", f"it is no run's folder: it has no {EXECUTION}", do)
    write_report_again(options.run, write_report, options.sign)
    print(options.run / PAGE)
    return EXIT_PASSED
