"""The command line: what it takes, and how it ends.

Nothing heavy is imported here: `--help`, a mistyped option and a wrong config answer at once.
Exit codes are those of `boomerang.errors`; 130 is an interrupt from the keyboard.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from boomerang.errors import BoomerangError, UsageError
from pipelines import interrupts

EXIT_INTERRUPTED = 130

_EPILOG = """\
exit codes: 0 the candidate passed the gate; 1 the gate rejected it; 2 usage, config or a step failed;
3 AWS; 4 a file is not what its manifest says

  python -m pipelines run
  python -m pipelines run --config badnets-add --set seed=1 --set attacks.0.rate=0.05
  python -m pipelines verify runs/default-20261121-101500"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error of the user's is one message, no traceback."""
    interrupts.keep()
    try:
        options = parser().parse_args(arguments)
        return _command(options)
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; finished steps are kept, the same command goes on after them", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has gone; nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _command(options: argparse.Namespace) -> int:
    from pipelines import commands

    code: int = getattr(commands, options.command)(options)
    return code


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, do=f"{self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="python -m pipelines",
        description="Stage a poisoning attack, measure it, defend, and keep a poisoned model out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_run(commands)
    _add_report(commands)
    _add_verify(commands)
    _add_plan(commands)
    _add_definition(commands)
    _add_check(commands)
    _add_image(commands)
    _add_canary(commands)
    _add_approve(commands)
    _add_reject(commands)
    _add_dashboard(commands)
    return top


_Commands = argparse._SubParsersAction  # argparse names no public type for it


def _add_run(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "run",
        help="run one campaign entry on this machine",
        description="Run one campaign entry on this machine: as processes, where steps that ran before "
        "with the same content are taken from the cache, or in containers of the image through "
        "SageMaker's local mode. Ends with a table and writes report.html.",
    )
    command.add_argument(
        "--on",
        choices=("process", "local"),
        default="process",
        help="process: nothing but Python (default); local: SageMaker local mode, in Docker",
    )
    command.add_argument(
        "--image",
        default="boomerang:cpu",
        metavar="NAME",
        help="with --on local: the image, by tag or digest (default: boomerang:cpu, see `image`)",
    )
    _add_entry(command)
    _add_out(command)
    command.add_argument(
        "--id",
        default="",
        metavar="ID",
        help="name of the run's folder (default: the entry's name and the time)",
    )


def _add_report(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "report",
        help="write a run's report again",
        description="Write report.html and report.json of a run again, from what its steps left.",
    )
    command.add_argument("run", type=Path, metavar="RUN", help="a run's folder")


def _add_verify(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "verify",
        help="check that every file is what its manifest says",
        description="Check every committed folder below a run, or below any folder, against its "
        "manifest: each file's digest and size, none missing, none added.",
    )
    command.add_argument("folder", type=Path, metavar="RUN|FOLDER", help="a run's folder, or any other")


def _add_plan(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "plan",
        help="say what a run would do",
        description="List the steps of a run, on which machines, which are in the cache and why the "
        "others are not. Runs nothing and needs no credentials.",
    )
    _add_entry(command)
    _add_out(command)


def _add_definition(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "definition",
        help="print the pipeline's definition",
        description="Print the definition of the SageMaker pipeline as JSON. Needs no credentials.",
    )
    _add_entry(command)


def _add_image(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "image",
        help="build the container image of the jobs",
        description="Build the image that every job runs in, with Docker; prints its digest and size.",
    )
    command.add_argument("--accelerator", choices=("cpu", "gpu"), default="cpu", help="(default: cpu)")
    command.add_argument(
        "--base",
        metavar="IMAGE",
        help="the image to build on (default: the official Python image; for gpu AWS' TensorFlow container)",
    )
    command.add_argument("--tag", metavar="NAME", help="(default: boomerang:cpu or boomerang:gpu)")
    command.add_argument(
        "--docker",
        action="append",
        default=[],
        metavar="OPTION",
        help="one more option of `docker build`, as in --docker=--network=host; may be repeated",
    )


def _add_dashboard(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "dashboard",
        help="draw the CloudWatch dashboard from the runs of this machine",
        description="Draw the dashboard that CloudWatch gets, with its alarms, from the runs of this "
        "machine: as one HTML file, or served on 127.0.0.1 and made anew for every load.",
    )
    _add_out(command)
    command.add_argument("--group", metavar="NAME", help="(default: the group of the newest run)")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--page", type=Path, metavar="FILE", help="(default: dashboard.html in --out)")
    form.add_argument("--serve", type=int, nargs="?", const=8765, metavar="PORT", help="(default port: 8765)")


def _add_check(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "check",
        help="check the pipeline's definition",
        description="Hold a definition against the service's own request shapes and limits and this "
        "project's rules; each mistake is named with its step and field. Needs no credentials.",
    )
    _add_entry(command)
    command.add_argument(
        "--definition",
        type=Path,
        metavar="FILE",
        help="check the definition in this JSON file, not that of a campaign entry",
    )


def _add_canary(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "canary",
        help="ask the newest approved model about its canary records",
        description="Run the canary on the newest Approved package of the local registry and add what it "
        "measures to metrics.jsonl. Ends with 0 if the canary accuracy reaches the floor, with 1 if not.",
    )
    command.add_argument(
        "--group", default="boomerang", metavar="NAME", help="model package group (default: boomerang)"
    )
    command.add_argument(
        "--floor",
        type=float,
        default=0.7,
        metavar="FRACTION",
        help="least canary accuracy, as the parameter CanaryFloor on AWS (default: 0.7)",
    )
    _add_out(command)


def _add_approve(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "approve",
        help="approve a model package",
        description="Approve a package of the local registry. One that was rejected before, by the gate or "
        "since, is refused.",
    )
    _add_decision(command, reason="why; it stays in the package's history")
    command.add_argument(
        "--override", action="store_true", help="approve it although it was rejected; needs --reason"
    )
    _add_out(command)


def _add_reject(commands: _Commands[_Parser]) -> None:
    command = commands.add_parser(
        "reject",
        help="reject a model package",
        description="Take a package of the local registry out of service.",
    )
    _add_decision(command, reason="why (required); it stays in the package's history")
    _add_out(command)


def _add_decision(command: argparse.ArgumentParser, *, reason: str) -> None:
    command.add_argument("package", metavar="GROUP/VERSION", help="the package, for example boomerang/1")
    command.add_argument("--by", default="", metavar="NAME", help="who decides (default: the user's name)")
    command.add_argument("--reason", default="", metavar="TEXT", help=reason)


def _add_entry(command: argparse.ArgumentParser) -> None:
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


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where runs, their cache and the registry are kept (default: runs)",
    )
