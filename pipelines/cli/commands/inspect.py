"""`inspect`: what a model file tells of a backdoor, without the data that it learned from."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, refuse_inside_run, writable_path

PAGE = "inspection.html"


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "inspect",
        help="look for a backdoor in a model file",
        description="Look for a backdoor in a model without the data that it learned from: on the terminal, "
        "as a page and as JSON beside it. With --clean, triggers are reversed as well; with --triggered too, "
        "the model is pruned and repaired. Nothing in the file is run. Ends with 0 whatever is found: a "
        "model in which nothing is found need not be clean.",
    )
    command.set_defaults(act=inspect)
    command.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a .keras or .h5 file, a model.tar.gz, or the folder of a run, a package or a model",
    )
    command.add_argument(
        "--clean",
        type=Path,
        metavar="DATA",
        help="clean images: an .npz (x, y), an HDF5 file (data, label), or a dataset's folder",
    )
    command.add_argument(
        "--triggered",
        type=Path,
        metavar="DATA",
        help="images with the trigger, labeled with the class that the attacker wants",
    )
    command.add_argument(
        "--control",
        type=Path,
        metavar="MODEL",
        help="a model of the same task that no attacker could reach (default: the baseline of a run)",
    )
    command.add_argument(
        "--scale",
        choices=("1", "255"),
        help="what a white pixel is to a foreign model; needed where its layers do not say it",
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default: 0)")
    command.add_argument(
        "--page", type=writable_path, default=Path(PAGE), metavar="FILE", help=f"(default: {PAGE}, here)"
    )


def inspect(options: Namespace) -> int:
    """Inspect a model, write the page and the JSON beside it, and print the verdict."""
    page: Path = options.page
    numbers = page.with_suffix(".json")
    if page.is_dir() or page == numbers:
        raise UsageError(f"--page {page}", "it is a folder, or the JSON beside the page", "give FILE.html")
    refuse_inside_run(page, f"--page {page}")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}", "a seed is 0 or more", "give another")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own lines would stand between ours

    from boomerang.safeio import write_bytes_atomic, write_json_atomic
    from pipelines.inspection import inspect as look
    from pipelines.inspection.tables import show

    document, text = look(
        options.model,
        clean=options.clean,
        triggered=options.triggered,
        control=options.control,
        white=None if options.scale is None else float(options.scale),
        seed=options.seed,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    write_json_atomic(numbers, document)
    write_bytes_atomic(page, text.encode())
    show(document, page)
    return EXIT_PASSED
