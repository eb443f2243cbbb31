"""`undo`: the training set of a run as it was before it was poisoned."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, BadInput, IntegrityError
from pipelines.cli.options import Commands, refuse_inside_run, writable_path


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "undo",
        help="give the clean training set of a run back",
        description="Make the clean training set from the poisoned one of a run and from what Poison kept "
        "secret, which has each label and image that was overwritten. OUT has the very digest of the set "
        "that Poison was given. Changes nothing of the run.",
    )
    command.set_defaults(act=undo)
    command.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    command.add_argument("out", type=writable_path, metavar="OUT", help="a new folder for the training set")


def undo(options: Namespace) -> int:
    """Write the clean training set of a run into a new folder."""
    from processing.undo import undo as undone

    train, secret = _outputs(options.run)
    refuse_inside_run(options.out, f"{options.out}")
    made = undone(train, secret, options.out)
    print(f"{options.out}: {made.shape[0]} rows, as they were before Poison\n{made.digest}")
    return EXIT_PASSED


def _outputs(run: Path) -> tuple[Path, Path]:
    """Return what Poison left in a run, held against the run's record."""
    from pipelines.campaign.entry import POISON
    from pipelines.runs.held import Digests, hold_output
    from pipelines.runs.records import EXECUTION, check_record, load_execution

    if not (run / EXECUTION).is_file():
        do = "give the folder of a run, for example runs/ID"
        raise BadInput(f"{run}", f"it is no run's folder: it has no {EXECUTION}", do)
    execution = load_execution(run)
    names = ("train", "secret")
    if not all(execution.has(POISON, name) for name in names):
        do = f"give a run whose step {POISON} has finished"
        raise BadInput(f"{run}", "it has no poisoned training set", do)
    outputs = execution.step(POISON).outputs
    problems = [f"{run / EXECUTION} {wrong}" for wrong in (check_record(run),) if wrong]
    problems += [
        f"{each.path} {each.what}" for n in names for each in hold_output(run, outputs[n], Digests())
    ]
    if problems:
        raise IntegrityError(f"{run}", "; ".join(problems), "restore the files, or run it again")
    return execution.path(POISON, "train"), execution.path(POISON, "secret")
