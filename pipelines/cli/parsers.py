"""What each command takes, and what its help says: one table, from which the parser is made."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from boomerang.errors import UsageError

_EPILOG = """\
exit codes: 0 the candidate passed the gate; 1 the gate rejected it; 2 usage, config or a step failed;
3 AWS; 4 a file is not what its manifest says

  python -m pipelines run
  python -m pipelines run --config badnets-add --set seed=1 --set attacks.0.rate=0.05
  python -m pipelines verify runs/default-20261121-101500
  python -m pipelines deploy --config cifar10 --image boomerang:gpu"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, do=f"{self.prog} --help")


@dataclass(frozen=True)
class _Option:
    """One option or argument, as `add_argument` takes it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class _Command:
    """One command. Of `either` only one option may be given."""

    help: str
    description: str
    options: tuple[_Option, ...] = ()
    either: tuple[_Option, ...] = field(default=())


def _option(*names: str, **settings: Any) -> _Option:
    return _Option(names, settings)


_ENTRY = (
    _option(
        "--config",
        default="default",
        metavar="NAME|FILE",
        help="a bundled campaign entry or a TOML file (default: default)",
    ),
    _option(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change one setting, as in seed=1 or attacks.0.rate=0.02; may be repeated",
    ),
)
_OUT = (
    _option(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where runs, their cache and the registry are kept (default: runs)",
    ),
)
_REGION = _option("--region", metavar="REGION", help="(default: as the AWS configuration says)")
_DECISION = (
    _option("package", metavar="GROUP/VERSION", help="the package, for example boomerang/1"),
    _option("--by", default="", metavar="NAME", help="who decides (default: the user's name)"),
    _option(
        "--on",
        choices=("process", "aws"),
        default="process",
        help="process: the local registry (default); aws: SageMaker's",
    ),
    _REGION,
)
_RANGE = (
    _option("--project", default="boomerang", metavar="NAME", help="name of the stack (default: boomerang)"),
    _REGION,
)
_PARAMETER = _option(
    "--parameter",
    action="append",
    default=[],
    dest="parameters",
    metavar="KEY=VALUE",
    help="a parameter of the stack, as in MaxDrop=0.03 (docs/aws.md); may be repeated. One "
    "that is not given stays as it is",
)
_YES = _option("--yes", action="store_true", help="do not ask; for where there is no terminal")
_ROLE = _option("--role-arn", metavar="ARN", help="the role that CloudFormation acts with (default: yours)")

_COMMANDS: Mapping[str, _Command] = {
    "run": _Command(
        "run one campaign entry",
        "Run one campaign entry: on this machine as processes, where steps that ran before with the same "
        "content are taken from the cache; in containers of the image through SageMaker's local mode; or on "
        "AWS, where it was deployed. Here it ends with a table and writes report.html.",
        (
            _option(
                "--on",
                choices=("process", "local", "aws"),
                default="process",
                help="process: nothing but Python (default); local: SageMaker local mode, in Docker; "
                "aws: start the deployed pipeline",
            ),
            _option(
                "--image",
                metavar="NAME",
                help="with --on local: the image, by tag or digest (default: boomerang:cpu, see `image`)",
            ),
            *_ENTRY,
            *_OUT,
            _option(
                "--sign",
                type=Path,
                metavar="KEY",
                help="sign what trainings read and the candidate, with this key file (see `key`)",
            ),
            _option(
                "--id",
                default="",
                metavar="ID",
                help="name of the run's folder (default: the entry's name and the time), or of the execution",
            ),
            _option("--wait", action="store_true", help="with --on aws: follow it to its end"),
            *_RANGE,
        ),
    ),
    "report": _Command(
        "write a run's report again",
        "Write report.html and report.json of a run again, from what its steps left.",
        (_option("run", type=Path, metavar="RUN", help="a run's folder"),),
    ),
    "verify": _Command(
        "check that every file is what its manifest says",
        "Check every committed folder below a run, or below any folder, against its manifest: each file's "
        "digest and size, none missing, none added. With --key, also every signature of a run, and each "
        "model's lineage back to what came from outside.",
        (
            _option("folder", type=Path, metavar="RUN|FOLDER", help="a run's folder, or any other"),
            _option(
                "--key",
                action="append",
                default=[],
                type=Path,
                metavar="FILE",
                help="a public key that is trusted, as PEM; may be repeated",
            ),
        ),
    ),
    "key": _Command(
        "make a key to sign with",
        "Make a private key on the curve P-256 in FILE, which only you can read, and its public key beside "
        "it: for `key.pem` that is `key.pub.pem`. With --on aws, write the public key of a deployed range to "
        "FILE; its private key never leaves KMS. Writes over nothing.",
        (
            _option("file", type=Path, metavar="FILE", help="where, for example signing.pem"),
            _option(
                "--on",
                choices=("process", "aws"),
                default="process",
                help="process: make a key (default); aws: fetch the public one",
            ),
            *_RANGE,
        ),
    ),
    "plan": _Command(
        "say what a run would do",
        "List the steps of a run, on which machines, which are in the cache and why the others are not; or, "
        "with --on aws, the resources of the stack, the most instance-hours of a run and a month, and what "
        "they cost where prices are given. Runs nothing and, but for --prices api, needs no credentials.",
        (
            _option(
                "--on",
                choices=("process", "aws"),
                default="process",
                help="process: steps and cache of this machine (default); aws: resources, hours, dollars",
            ),
            _option(
                "--prices",
                metavar="FILE|api",
                help="with --on aws: a table of prices, or the AWS Price List (docs/costs.md)",
            ),
            _option(
                "--max-usd", type=float, metavar="N", help="with --on aws: refuse a run that may cost more"
            ),
            _option(
                "--region",
                metavar="REGION",
                help="with --on aws: where prices are of (default: AWS_REGION, or us-east-1)",
            ),
            _option("--runs", type=int, metavar="N", help="with --on aws: runs a month (default: 1)"),
            _PARAMETER,
            *_ENTRY,
            *_OUT,
        ),
    ),
    "definition": _Command(
        "print the pipeline's definition",
        "Print the definition of the SageMaker pipeline as JSON. Needs no credentials.",
        _ENTRY,
    ),
    "check": _Command(
        "check the definition and the stack",
        "Hold the pipeline's definition against the service's own request shapes and limits and this "
        "project's rules; and the stack: its template, what its roles grant against the calls that are made, "
        "events, schedule, dashboard, and its alarms, played. Each mistake is named. Needs no credentials.",
        (
            *_ENTRY,
            _PARAMETER,
            _option(
                "--definition",
                type=Path,
                metavar="FILE",
                help="check the definition in this JSON file alone, without the stack",
            ),
        ),
    ),
    "image": _Command(
        "build the container image of the jobs",
        "Build the image that every job runs in, with Docker; prints its digest and size.",
        (
            _option("--accelerator", choices=("cpu", "gpu"), default="cpu", help="(default: cpu)"),
            _option(
                "--base",
                metavar="IMAGE",
                help="the image to build on (default: the official Python image; for gpu AWS' TensorFlow "
                "container)",
            ),
            _option("--tag", metavar="NAME", help="(default: boomerang:cpu or boomerang:gpu)"),
            _option(
                "--docker",
                action="append",
                default=[],
                metavar="OPTION",
                help="one more option of `docker build`, as in --docker=--network=host; may be repeated",
            ),
        ),
    ),
    "canary": _Command(
        "ask the newest approved model about its canary records",
        "Run the canary on the newest Approved package of the local registry and add what it measures to "
        "metrics.jsonl. Ends with 0 if the canary accuracy reaches the floor, with 1 if not.",
        (
            _option(
                "--group",
                default="boomerang",
                metavar="NAME",
                help="model package group (default: boomerang)",
            ),
            _option(
                "--floor",
                type=float,
                default=0.7,
                metavar="FRACTION",
                help="least canary accuracy, as the parameter CanaryFloor on AWS (default: 0.7)",
            ),
            _option(
                "--key", type=Path, metavar="FILE", help="public key that the package has to be signed with"
            ),
            *_OUT,
        ),
    ),
    "approve": _Command(
        "approve a model package",
        "Approve a package of the local registry or, with --on aws, of SageMaker's. One that was rejected "
        "before, by the gate or since, is refused.",
        (
            *_DECISION,
            _option("--reason", default="", metavar="TEXT", help="why; it stays in the package's history"),
            _option(
                "--override",
                action="store_true",
                help="approve it although it was rejected; needs --reason",
            ),
            *_OUT,
        ),
    ),
    "reject": _Command(
        "reject a model package",
        "Take a package of the local registry or, with --on aws, of SageMaker's out of service.",
        (
            *_DECISION,
            _option(
                "--reason",
                default="",
                metavar="TEXT",
                help="why (required); it stays in the package's history",
            ),
            *_OUT,
        ),
    ),
    "dashboard": _Command(
        "draw the CloudWatch dashboard from the runs of this machine",
        "Draw the dashboard that CloudWatch gets, with its alarms, from the runs of this machine: as one "
        "HTML file, or served on 127.0.0.1 and made anew for every load. With --on aws, put the one of a "
        "deployed range, which names its newest package, into CloudWatch anew.",
        (
            *_OUT,
            _option("--group", metavar="NAME", help="(default: the group of the newest run)"),
            _option(
                "--on",
                choices=("process", "aws"),
                default="process",
                help="whose dashboard (default: process)",
            ),
            *_RANGE,
        ),
        (
            _option("--page", type=Path, metavar="FILE", help="(default: dashboard.html in --out)"),
            _option("--serve", type=int, nargs="?", const=8765, metavar="PORT", help="(default port: 8765)"),
        ),
    ),
    "deploy": _Command(
        "put the range into an AWS account",
        "Make the stack or bring it up to date: image, definitions and data are uploaded where they are not "
        "there yet. Shows every change of the stack before it is made. Goes on where it was interrupted.",
        (
            *_ENTRY,
            *_RANGE,
            _PARAMETER,
            _ROLE,
            _YES,
            *_OUT,
        ),
        (
            _option(
                "--image",
                default="boomerang:cpu",
                metavar="NAME",
                help="local image (default: boomerang:cpu)",
            ),
            _option(
                "--image-uri", metavar="URI", help="one that is pushed already: REPOSITORY@sha256:DIGEST"
            ),
        ),
    ),
    "status": _Command(
        "show an execution on AWS",
        "Show the steps of an execution, what failed, why, and what to do; then the newest packages and the "
        "alarms. Ends with 0 if it passed or goes on, with 1 if the gate rejected, with 3 if it failed.",
        (
            _option(
                "execution",
                nargs="?",
                default="",
                metavar="EXECUTION",
                help="its ARN, id or name (default: the newest)",
            ),
            _option("--watch", action="store_true", help="until it ends"),
            *_RANGE,
        ),
    ),
    "destroy": _Command(
        "delete the range from an AWS account",
        "Delete the dashboard and the stack. Says first what goes, and what stays and why.",
        (*_RANGE, _ROLE, _YES),
    ),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog="python -m pipelines",
        description="Stage a poisoning attack, measure it, defend, and keep a poisoned model out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, content in _COMMANDS.items():
        _fill(commands.add_parser(name, help=content.help, description=content.description), content)
    return top


def _fill(command: argparse.ArgumentParser, content: _Command) -> None:
    for option in content.options:
        command.add_argument(*option.names, **option.settings)
    if content.either:
        group = command.add_mutually_exclusive_group()
        for option in content.either:
            group.add_argument(*option.names, **option.settings)
