"""`verify`: what was recorded below a folder, held against what is there."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from boomerang.errors import EXIT_PASSED, BadInput, IntegrityError
from pipelines.cli.options import Commands, add_keys, public_keys

if TYPE_CHECKING:
    from boomerang.signing import PublicKey


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "verify",
        help="check that every file is what its manifest says",
        description="Check every file of a run, or of a workspace with its runs, cache and registry, against "
        "what was recorded of it, and every committed folder against its manifest: none changed, none "
        "missing, none added. Without a key that is as true as the records are. With --key, also that each "
        "run's record is signed, with all that it says was, and each model's lineage back to what came from "
        "outside. Changes nothing.",
    )
    command.set_defaults(act=verify)
    command.add_argument("folder", type=Path, metavar="RUN|FOLDER", help="a run's folder, or any other")
    add_keys(command, "a public key that is trusted, as PEM")


def verify(options: Namespace) -> int:
    """Hold everything that was recorded below a folder against what is on disk now."""
    from pipelines.runners.verify import verify as problems_of

    if not options.folder.is_dir():
        do = "give the folder of a run, for example runs/ID"
        raise BadInput(f"{options.folder}", "there is no such folder", do)
    keys = public_keys(options.key)
    problems = problems_of(options.folder)
    if problems:
        found = "\n  ".join(f"{problem.path}: {problem.what}" for problem in problems)
        why = f"{len(problems)} of its files are not what was recorded\n  {found}"
        raise IntegrityError(f"{options.folder}", why, "restore them, or run their steps again")
    print(f"{options.folder}: every file is what was recorded")
    if keys:
        _verify_signatures(options.folder, keys)
    return EXIT_PASSED


def _verify_signatures(run_dir: Path, keys: list[PublicKey]) -> None:
    from pipelines.registry.signatures import verify_signatures

    signed = verify_signatures(run_dir, keys)
    print(f"{len(signed.statements)} signatures are right, and no lineage has a gap:")
    for chain in signed.lineages.values():
        print("  " + " < ".join(map(str, chain)))
