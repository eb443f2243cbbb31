"""`key`: a key to sign with, or the public key of a deployed range."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, BadInput
from pipelines.cli.options import Commands, add_range, writable_path


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "key",
        help="make a key to sign with",
        description="Make a private key on the curve P-256 in FILE, which only you can read, and its public "
        "key beside it: for `key.pem` that is `key.pub.pem`. With --on aws, write the public key of a "
        "deployed range to FILE; its private key never leaves KMS. Writes over nothing.",
    )
    command.set_defaults(act=key)
    command.add_argument("file", type=writable_path, metavar="FILE", help="where, for example signing.pem")
    command.add_argument(
        "--on",
        choices=("process", "aws"),
        default="process",
        help="process: make a key (default); aws: fetch the public one",
    )
    add_range(command)


def key(options: Namespace) -> int:
    """Make a key to sign with, or fetch the public key of a deployed range."""
    return _fetch(options) if options.on == "aws" else _make(options.file)


def _make(file: Path) -> int:
    from boomerang.signing import new_key

    _refuse_existing(file)
    public = file.with_suffix(".pub.pem")
    _refuse_existing(public)
    made = new_key(file)
    made.write(public)
    print(f"private key {file}\npublic key  {public} (id {made.key_id[:12]})")
    return EXIT_PASSED


def _fetch(options: Namespace) -> int:
    from aws.jobs.kms import KmsSigner

    _refuse_existing(options.file)
    public = KmsSigner(f"alias/{options.project}-signing", options.region).public_key
    public.write(options.file)
    print(f"public key {options.file} (id {public.key_id[:12]})")
    return EXIT_PASSED


def _refuse_existing(file: Path) -> None:
    if file.is_dir():
        raise BadInput(f"{file}", "it is a folder", "give the name of a file in it")
    if file.exists():
        raise BadInput(f"{file}", "it is there already", "give another name, or move it away")
