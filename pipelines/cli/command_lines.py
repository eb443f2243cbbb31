"""The command lines that a person is told to give next, as they would be typed here."""

from __future__ import annotations

import shlex
from argparse import Namespace

from pipelines.cli.options import PROJECT


def entry_command(command: str, options: Namespace) -> str:
    """Return a command line with the campaign entry and the range of this one."""
    words = [*_program(options), *command.split(), "--config", options.config]
    words += [word for each in options.overrides for word in ("--set", each)]
    return shlex.join([*words, *_range(options)])


def follow_command(arn: str, options: Namespace) -> str:
    """Return the command line that follows an execution."""
    return shlex.join([*_program(options), "status", arn, "--watch", *_range(options)])


def dashboard_command(options: Namespace) -> str:
    """Return the command line that puts the dashboard of the region anew."""
    return shlex.join([*_program(options), "dashboard", "--on", "aws", *_region(options)])


def _program(options: Namespace) -> list[str]:
    name: str = options.program
    return name.split()


def _range(options: Namespace) -> list[str]:
    project = [] if options.project == PROJECT else ["--project", options.project]
    return [*project, *_region(options)]


def _region(options: Namespace) -> list[str]:
    return ["--region", options.region] if options.region else []
