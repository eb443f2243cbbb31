"""What several commands take: each function adds the same options, with the same words, to a command."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from boomerang.errors import BadInput, UsageError, nearest

if TYPE_CHECKING:
    from boomerang.signing import PublicKey

# What a command's module adds its parser to; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

# How the command line was started, in the words of its usage and of the commands that it names.
AS_MODULE, AS_COMMAND = "python -m pipelines", "boomerang"

PROJECT = "boomerang"

_GIVEN = (
    ("--model", "given.path", "FILE", "start from a .keras or .h5 model of your own"),
    ("--model-as", "given.role", "baseline|victim", "what it stands for: the approved model, or the victim"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors like all others, and name what may have been meant."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, do=f"{self.prog} --help")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse all arguments, the command's among them.

        Raises
        ------
        UsageError
            If one is not known.
        """
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            command = next(
                (each for each in self.commands() if each.prog.endswith(f" {options.command}")), self
            )
            command.refuse_unknown(rest)
        return options

    def commands(self) -> Iterator[Parser]:
        """Yield the parsers of the commands."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.values()

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        """Raise UsageError about arguments that this parser does not know."""
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), "")
        known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        why = nearest(option, known) if option else ""
        raise UsageError(f"unrecognized arguments: {' '.join(words)}", why, f"{self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = "/".join(action.option_strings) or (
                "command" if action.dest == "command" else str(action.metavar or action.dest)
            )
            raise UsageError(f"{what} '{value}'", nearest(str(value), action.choices), f"{self.prog} --help")


def writable_path(text: str) -> Path:
    """Return the path of what a command writes; its name has to be text, as it stands in records."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; give a path")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"the name '{text}' is not UTF-8; give another") from None
    return Path(text)


def add_entry(command: Parser) -> None:
    """Add which campaign entry is meant, and what is changed in it."""
    command.add_argument(
        "--config",
        default="default",
        metavar="NAME|FILE",
        help="a bundled campaign entry or a TOML file (default: default)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change one setting, as in seed=1 or attacks.0.rate=0.02; may be repeated",
    )
    for option, key, metavar, words in _GIVEN:
        command.add_argument(
            option,
            action="append",
            default=[],
            dest="overrides",
            type=f"{key}={{}}".format,
            metavar=metavar,
            help=f"{words} (short for --set {key}={metavar})",
        )


def add_out(command: Parser) -> None:
    """Add where everything of this machine is kept."""
    command.add_argument(
        "--out",
        type=writable_path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where runs, their cache and the registry are kept (default: runs)",
    )


def add_keys(command: Parser, about: str) -> None:
    """Add the public keys that are trusted."""
    command.add_argument(
        "--key", action="append", default=[], type=Path, metavar="FILE", help=f"{about}; may be repeated"
    )


def public_keys(files: Sequence[Path]) -> list[PublicKey]:
    """Return the keys of PEM files; raises BadInput if one is none."""
    from boomerang.signing import PublicKey

    return [PublicKey.read(file) for file in files]


def make_out(out: Path) -> None:
    """Make the folder of `--out`, before anything is done that would be lost without it.

    Raises
    ------
    BadInput
        If it cannot be made, or nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        do = "give a folder where you may write, or change who may"
        raise BadInput(f"--out {out}", error.strerror or str(error), do) from None


def refuse_inside_run(path: Path, what: str) -> None:
    """Raise UsageError about a place in a run, which has no file that its record does not name."""
    from pipelines.runs.records import EXECUTION

    if run := next((each for each in path.resolve().parents if (each / EXECUTION).is_file()), None):
        why = f"{run} is a run, and its record names every file of it"
        raise UsageError(what, why, "give a place outside of it")


def definitions(out: Path) -> Path:
    """Return where the definitions that were drawn are kept below `--out`."""
    return out / "cache" / "definitions"


def add_region(command: Parser) -> None:
    """Add the region of the account."""
    command.add_argument("--region", metavar="REGION", help="(default: as the AWS configuration says)")


def add_range(command: Parser) -> None:
    """Add which deployed range is meant."""
    command.add_argument(
        "--project", default=PROJECT, metavar="NAME", help=f"name of the stack (default: {PROJECT})"
    )
    add_region(command)


def add_parameter(command: Parser) -> None:
    """Add parameters of the stack."""
    command.add_argument(
        "--parameter",
        action="append",
        default=[],
        dest="parameters",
        metavar="KEY=VALUE",
        help="a parameter of the stack, as in MaxDrop=0.03 (docs/aws.md); may be repeated. One "
        "that is not given stays as it is",
    )


def add_role(command: Parser) -> None:
    """Add the role that changes the stack."""
    command.add_argument(
        "--role-arn", metavar="ARN", help="the role that CloudFormation acts with (default: yours)"
    )


def add_yes(command: Parser) -> None:
    """Add the consent of who is not there to be asked."""
    command.add_argument("--yes", action="store_true", help="do not ask; for where there is no terminal")
