"""`completion`: a script that teaches a shell to complete `boomerang`, made from the parser itself."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator
from typing import Any

from boomerang.errors import EXIT_PASSED
from pipelines.cli.options import AS_COMMAND, Commands

SHELLS = ("bash", "zsh", "tcsh")

# By what an option is said to take; where nothing fits, the shell offers its choices or nothing.
_FILES = ("FILE", "KEY", "FILE|api")
_FOLDERS = ("FOLDER", "RUN", "RUN|FOLDER")
_ENTRY = "NAME|FILE"


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "completion",
        help="print a script with which a shell completes `boomerang`",
        description="Print the script with which a shell completes the installed command `boomerang`: its "
        "commands, options, files and bundled campaign entries. For bash, put this into ~/.bashrc: "
        'eval "$(boomerang completion bash)".',
    )
    command.set_defaults(act=completion)
    command.add_argument("shell", choices=SHELLS, help="the shell that reads it")


def completion(options: Namespace) -> int:
    """Print the script for a shell."""
    from shtab import complete

    top = options.parser(AS_COMMAND)
    for action in _actions(top):
        if (found := _completer(action)) is not None:
            action.complete = found  # type: ignore[attr-defined]  # how shtab is told
    print(complete(top, options.shell))
    return EXIT_PASSED


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """Yield the options and arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _completer(action: Action) -> dict[str, Any] | None:
    """Return what completes an option or argument, by shell, as shtab takes it."""
    from shtab import DIRECTORY, FILE

    if action.metavar in _FILES:
        return dict(FILE)
    if action.metavar in _FOLDERS:
        return dict(DIRECTORY)
    return _entries() if action.metavar == _ENTRY else None


def _entries() -> dict[str, Any]:
    """Return what completes a campaign entry: the bundled names, and files beside them."""
    from pipelines.campaign.entry import bundled

    names, function = " ".join(bundled()), "_boomerang_entry_or_file"
    bash = f'{function}() {{\n  compgen -W "{names}" -- "$1"\n  _shtab_compgen_files "$1"\n}}'
    zsh = f"{function}() {{\n  _alternative 'entries:bundled entry:({names})' 'files:file:_files'\n}}"
    return {
        "bash": function,
        "zsh": function,
        "tcsh": f"({names})",  # it has no functions, and completes one kind of word at a place
        "preamble": {"bash": bash, "zsh": zsh},
    }
