"""What each command of the command line does. Each returns the exit code."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boomerang.config import Config
from boomerang.errors import (
    EXIT_PASSED,
    EXIT_REJECTED,
    BadInput,
    ConfigError,
    IntegrityError,
    StepFailed,
    UsageError,
)
from boomerang.safeio import load_json, write_json_atomic
from pipelines.build import Built, build
from pipelines.ledger import check_run_id
from pipelines.settings import EVALUATE, load
from pipelines.site import LOCAL, Site

if TYPE_CHECKING:
    from pipelines.records import Execution


def run(options: Namespace) -> int:
    """Run a campaign entry, write its report, and show its numbers."""
    config = load(options.config, options.overrides)
    run_id = _run_id(options.id, config)
    site = _site(options)
    built = build(config, site, cache=_definitions(options.out))
    folder = options.out / run_id
    write_json_atomic(folder / "config.json", config.model_dump(mode="json"))
    execution = _execute(config, site, built, options, run_id)
    return _conclude(execution, folder)


def _site(options: Namespace) -> Site:
    """Return where the definition is for: this machine, with the image that its containers run."""
    if options.on == "process":
        return LOCAL
    from aws.docker import check_docker
    from aws.image import find

    check_docker(compose=True)
    return replace(LOCAL, image=find(options.image).digest)


def _execute(config: Config, site: Site, built: Built, options: Namespace, run_id: str) -> Execution:
    from pipelines.progress import progress, step_names

    with progress(step_names(built.definition)) as show:
        if options.on == "local":
            from pipelines.localmode import execute_local

            return execute_local(config, site, built, workspace=options.out, run_id=run_id, on_event=show)
        from pipelines.runner import execute

        return execute(built.definition, built.staged, workspace=options.out, run_id=run_id, on_event=show)


def image(options: Namespace) -> int:
    """Build the image that the jobs run in."""
    from aws.image import build as build_image

    base = options.base
    if base is None and options.accelerator == "gpu":
        from pipelines.definition import gpu_base

        base = gpu_base(LOCAL.region)
    made = build_image(options.accelerator, base=base, tag=options.tag, options=tuple(options.docker))
    print(f"{made.tag} {made.digest} {made.bytes / 1e6:.0f} MB")
    return EXIT_PASSED


def _conclude(execution: Execution, folder: Path) -> int:
    from pipelines.report import write_report
    from pipelines.summary import show_summary

    page = write_report(folder)
    failed = execution.failed_step
    if failed not in (None, "Fail"):
        log = folder / "logs" / f"{failed}.log"
        raise StepFailed(f"step {failed} stopped", execution.failure, f"its log: {log}\n  report: {page}")
    show_summary(execution.path(EVALUATE, "evaluation") / "metrics.json", page)
    return EXIT_REJECTED if failed else EXIT_PASSED


def report(options: Namespace) -> int:
    """Write the report of a run again."""
    from pipelines.report import write_report

    if not (options.run / "execution.json").is_file():
        raise BadInput(f"{options.run}", "it is no run's folder: it has no execution.json", _RUNS_ARE)
    print(write_report(options.run))
    return EXIT_PASSED


_RUNS_ARE = "give the folder of a run, for example runs/ID"


def verify(options: Namespace) -> int:
    """Hold everything that was recorded below a folder against what is on disk now."""
    from pipelines.verify import verify as problems_of

    if not options.folder.is_dir():
        raise BadInput(f"{options.folder}", "there is no such folder", _RUNS_ARE)
    problems = problems_of(options.folder)
    if problems:
        found = "\n  ".join(f"{problem.path}: {problem.what}" for problem in problems)
        why = f"{len(problems)} of its files are not what was recorded\n  {found}"
        raise IntegrityError(f"{options.folder}", why, "restore them, or run their steps again")
    print(f"{options.folder}: every file is what was recorded")
    return EXIT_PASSED


def plan(options: Namespace) -> int:
    """Say what a run would do."""
    from pipelines.plan import show_plan

    config = load(options.config, options.overrides)
    show_plan(build(config, cache=_definitions(options.out)), options.out)
    return EXIT_PASSED


def definition(options: Namespace) -> int:
    """Print the definition."""
    config = load(options.config, options.overrides)
    print(json.dumps(build(config).definition, indent=1))
    return EXIT_PASSED


def check(options: Namespace) -> int:
    """Hold a definition against all that can be known of it without an account."""
    from pipelines.check import checks

    name, content = _to_check(options)
    outcomes = checks(content)
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    for outcome in outcomes:
        if not outcome.problems:
            print(f"ok  {outcome.said}")
    if problems:
        found = "\n  ".join(map(str, problems))
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise ConfigError(f"the definition of {name}", f"{count}\n  {found}", _CHECKED)
    return EXIT_PASSED


_CHECKED = "docs/check.md says what each check asks for"


def _to_check(options: Namespace) -> tuple[str, Any]:
    """Return what to call the definition that is to be checked, and the definition."""
    if options.definition is None:
        config = load(options.config, options.overrides)
        return config.name, build(config).definition
    if options.overrides or options.config != "default":
        raise UsageError("--definition", "a file is checked as it is", "leave out --config and --set")
    return str(options.definition), load_json(options.definition)


def canary(options: Namespace) -> int:
    """Run the canary on the newest Approved package."""
    from pipelines.canary import reaches, run_canary, show_canary

    if not 0 <= options.floor <= 1:
        raise UsageError("--floor", f"{options.floor:g} is no accuracy", "give a fraction, 0 to 1")
    metrics, note = run_canary(options.out, options.group)
    show_canary(metrics, options.floor, note)
    return EXIT_PASSED if reaches(metrics, options.floor) else EXIT_REJECTED


def approve(options: Namespace) -> int:
    """Approve a package of the local registry."""
    from pipelines.approval import approve as decide
    from pipelines.registry import Registry

    registry, by = Registry(options.out / "registry"), _decider(options)
    package = decide(registry, options.package, by=by, reason=options.reason, override=options.override)
    print(f"{package.name} is {package.status}")
    return EXIT_PASSED


def reject(options: Namespace) -> int:
    """Reject a package of the local registry."""
    from pipelines.approval import reject as decide
    from pipelines.registry import Registry

    registry = Registry(options.out / "registry")
    package = decide(registry, options.package, by=_decider(options), reason=options.reason)
    print(f"{package.name} is {package.status}")
    return EXIT_PASSED


def _decider(options: Namespace) -> str:
    """Return who decides: as given, or the name of the user of this process."""
    try:
        name: str = options.by or getuser()
    except (ImportError, KeyError, OSError):  # a user id without a name, as in a container
        raise UsageError("--by", "the user of this process has no name", "say who decides") from None
    return name


def dashboard(options: Namespace) -> int:
    """Draw the dashboard from the runs of this machine."""
    from pipelines.dashboard import dashboard_page, write_dashboard

    if options.serve is None:
        print(write_dashboard(options.out, options.page, group=options.group))
        return EXIT_PASSED
    from pipelines.dashboard.serve import ADDRESS, server

    with server(lambda: dashboard_page(options.out, group=options.group), options.serve) as served:
        print(f"http://{ADDRESS}:{served.server_port}/ until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            served.serve_forever()
    return EXIT_PASSED


def _definitions(out: Path) -> Path:
    return out / "cache" / "definitions"


def _run_id(given: str, config: Config) -> str:
    """Return the run's name: as given, or the entry's with the time (UTC)."""
    if not given:
        return f"{config.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    check_run_id(given)
    return given
