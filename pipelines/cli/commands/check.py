"""`check`: the definition and the stack, held against all that can be known of them without an account."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boomerang.errors import EXIT_PASSED, ConfigError, UsageError
from pipelines.cli.options import Commands, add_entry, add_parameter

if TYPE_CHECKING:
    from boomerang.findings import Outcome

_CHECKED = "docs/check.md says what each check asks for"


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "check",
        help="check the definition and the stack",
        description="Hold the pipeline's definition against the service's own request shapes and limits and "
        "this project's rules; and the stack: its template, what its roles grant against the calls that are "
        "made, events, schedule, dashboard, and its alarms, played. Each mistake is named. Needs no "
        "credentials.",
    )
    command.set_defaults(act=check)
    add_entry(command)
    add_parameter(command)
    command.add_argument(
        "--definition",
        type=Path,
        metavar="FILE",
        help="check the definition in this JSON file alone, without the stack",
    )


def check(options: Namespace) -> int:
    """Hold the definition and the stack against all that can be known of them without an account."""
    from pipelines.check import checks

    given = _parameters(options.parameters) if options.definition is None else {}
    name, content = _to_check(options)
    outcomes = checks(content)
    if options.definition is None:
        outcomes += [_check_canary(), *_check_stack(given)]
        name = f"{name} and the stack"
    for outcome in outcomes:
        if not outcome.problems:
            print(f"ok  {outcome.said}")
    _refuse_problems(name, outcomes)
    return EXIT_PASSED


def _to_check(options: Namespace) -> tuple[str, Any]:
    """Return what to call the definition that is to be checked, and the definition."""
    from boomerang.safeio import load_json
    from pipelines.campaign.entry import load
    from pipelines.campaign.site import REHEARSAL
    from pipelines.definition.build import build

    if options.definition is None:
        config = load(options.config, options.overrides)
        return config.name, build(config, REHEARSAL).definition
    if options.overrides or options.parameters or options.config != "default":
        do = "leave out --config, --set and --parameter"
        raise UsageError("--definition", "a file is checked as it is", do)
    return str(options.definition), load_json(options.definition)


def _check_canary() -> Outcome:
    from boomerang.findings import Outcome
    from pipelines.campaign.site import REHEARSAL
    from pipelines.check import check_definition
    from pipelines.definition.build import build_canary

    return Outcome("canary: its pipeline by all of these", tuple(check_definition(build_canary(REHEARSAL))))


def _parameters(words: list[str]) -> dict[str, str]:
    """Return the stack's parameters that are given; a wrong one is refused before anything is drawn."""
    from aws.stack.intrinsics import load_template
    from aws.stack.parameters import read_parameters
    from pipelines.campaign.site import LOCAL

    return read_parameters(words, LOCAL.prefix, load_template())


def _check_stack(given: dict[str, str]) -> list[Outcome]:
    from aws.check import stack_checks

    return stack_checks(given)


def _refuse_problems(name: str, outcomes: list[Outcome]) -> None:
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    if problems:
        found = "\n  ".join(map(str, problems))
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise ConfigError(f"the definition of {name}", f"{count}\n  {found}", _CHECKED)
