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
from pipelines.campaign.settings import EVALUATE, load
from pipelines.campaign.site import LOCAL, REHEARSAL, Signing, Site
from pipelines.definition.build import Built, build
from pipelines.runners.ledger import check_run_id

if TYPE_CHECKING:
    from boomerang.findings import Outcome
    from boomerang.signing import PublicKey
    from pipelines.runs.records import Execution


def run(options: Namespace) -> int:
    """Run a campaign entry, write its report, and show its numbers."""
    if options.on == "aws":
        from pipelines.cloud.commands import run as start

        _refuse_key(options, "on AWS every run is signed, with the key of the stack")
        return start(options)
    if options.on == "local":
        _refuse_key(options, "containers would have to be given the key")
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
        return replace(LOCAL, signing=_signing(options.sign))
    from aws.image.docker import check_docker
    from aws.image.image import TAGS, find

    check_docker(compose=True)
    return replace(LOCAL, image=find(options.image or TAGS["cpu"]).digest)


def _refuse_key(options: Namespace, why: str) -> None:
    if options.sign is not None:
        raise UsageError(f"--sign with --on {options.on}", why, "leave out --sign")


def _signing(key: Path | None) -> Signing | None:
    if key is None:
        return None
    from pipelines.registry.signatures import signing_with

    return signing_with(key)


def _execute(config: Config, site: Site, built: Built, options: Namespace, run_id: str) -> Execution:
    from pipelines.cli.progress import progress, step_names

    with progress(step_names(built.definition)) as show:
        if options.on == "local":
            from pipelines.runners.containers.localmode import execute_local

            return execute_local(config, site, built, workspace=options.out, run_id=run_id, on_event=show)
        from pipelines.runners.process.runner import execute

        return execute(
            built.definition,
            built.staged,
            workspace=options.out,
            run_id=run_id,
            on_event=show,
            signing_key=options.sign.resolve() if options.sign else None,
        )


def image(options: Namespace) -> int:
    """Build the image that the jobs run in."""
    from aws.image.image import build as build_image

    base = options.base
    if base is None and options.accelerator == "gpu":
        from pipelines.definition.sdk import gpu_base

        base = gpu_base(LOCAL.region)
    made = build_image(options.accelerator, base=base, tag=options.tag, options=tuple(options.docker))
    print(f"{made.tag} {made.digest} {made.bytes / 1e6:.0f} MB")
    return EXIT_PASSED


def _conclude(execution: Execution, folder: Path) -> int:
    from pipelines.report import write_report
    from pipelines.report.summary import show_summary

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
    from pipelines.runners.verify import verify as problems_of

    if not options.folder.is_dir():
        raise BadInput(f"{options.folder}", "there is no such folder", _RUNS_ARE)
    keys = [_read_key(file) for file in options.key]
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


def key(options: Namespace) -> int:
    """Make a key to sign with, or fetch the public key of a deployed range."""
    if options.on == "aws":
        from pipelines.cloud import commands as cloud

        return cloud.key(options)
    from boomerang.signing import new_key

    public = options.file.with_suffix(".pub.pem")
    if public.exists():
        raise BadInput(f"{public}", "it is there already", "give another name, or move it away")
    made = new_key(options.file)
    made.write(public)
    print(f"private key {options.file}\npublic key  {public} (id {made.key_id[:12]})")
    return EXIT_PASSED


def plan(options: Namespace) -> int:
    """Say what a run would do, here or on AWS."""
    from pipelines.cli.plan import plan as show

    show(options, _definitions(options.out))
    return EXIT_PASSED


def definition(options: Namespace) -> int:
    """Print the definition."""
    config = load(options.config, options.overrides)
    print(json.dumps(build(config).definition, indent=1))
    return EXIT_PASSED


def check(options: Namespace) -> int:
    """Hold the definition and the stack against all that can be known of them without an account."""
    from pipelines.check import checks

    name, content = _to_check(options)
    outcomes = checks(content)
    if options.definition is None:
        outcomes += [_check_canary(), *_check_stack(options.parameters)]
        name = f"{name} and the stack"
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    for outcome in outcomes:
        if not outcome.problems:
            print(f"ok  {outcome.said}")
    if problems:
        found = "\n  ".join(map(str, problems))
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise ConfigError(f"the definition of {name}", f"{count}\n  {found}", _CHECKED)
    return EXIT_PASSED


def _check_canary() -> Outcome:
    from boomerang.findings import Outcome
    from pipelines.check import check_definition
    from pipelines.definition.build import build_canary

    return Outcome("canary: its pipeline by all of these", tuple(check_definition(build_canary(REHEARSAL))))


def _check_stack(words: list[str]) -> list[Outcome]:
    from aws.check import stack_checks
    from aws.stack.intrinsics import load_template
    from aws.stack.parameters import read_parameters

    return stack_checks(read_parameters(words, LOCAL.prefix, load_template()))


_CHECKED = "docs/check.md says what each check asks for"


def _to_check(options: Namespace) -> tuple[str, Any]:
    """Return what to call the definition that is to be checked, and the definition."""
    if options.definition is None:
        config = load(options.config, options.overrides)
        return config.name, build(config, REHEARSAL).definition
    if options.overrides or options.parameters or options.config != "default":
        do = "leave out --config, --set and --parameter"
        raise UsageError("--definition", "a file is checked as it is", do)
    return str(options.definition), load_json(options.definition)


def canary(options: Namespace) -> int:
    """Run the canary on the newest Approved package."""
    from pipelines.watching.local_canary import reaches, run_canary, show_canary

    if not 0 <= options.floor <= 1:
        raise UsageError("--floor", f"{options.floor:g} is no accuracy", "give a fraction, 0 to 1")
    key = _read_key(options.key) if options.key else None
    metrics, note = run_canary(options.out, options.group, key)
    show_canary(metrics, options.floor, note)
    return EXIT_PASSED if reaches(metrics, options.floor) else EXIT_REJECTED


def _read_key(file: Path) -> PublicKey:
    from boomerang.signing import PublicKey

    return PublicKey.read(file)


def approve(options: Namespace) -> int:
    """Approve a package of the local registry, or of SageMaker's."""
    if options.on == "aws":
        from pipelines.cloud import commands as cloud

        return cloud.approve(options, _decider(options))
    from pipelines.registry.approval import approve as decide
    from pipelines.registry.local import Registry

    registry, by = Registry(options.out / "registry"), _decider(options)
    package = decide(registry, options.package, by=by, reason=options.reason, override=options.override)
    print(f"{package.name} is {package.status}")
    return EXIT_PASSED


def reject(options: Namespace) -> int:
    """Reject a package of the local registry, or of SageMaker's."""
    if options.on == "aws":
        from pipelines.cloud import commands as cloud

        return cloud.reject(options, _decider(options))
    from pipelines.registry.approval import reject as decide
    from pipelines.registry.local import Registry

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
    """Draw the dashboard from the runs of this machine, or put that of a deployed range."""
    if options.on == "aws":
        from pipelines.cloud import commands as cloud

        return cloud.dashboard(options)
    from pipelines.watching.dashboard import dashboard_page, write_dashboard

    if options.serve is None:
        print(write_dashboard(options.out, options.page, group=options.group))
        return EXIT_PASSED
    from pipelines.watching.dashboard.serve import ADDRESS, server

    with server(lambda: dashboard_page(options.out, group=options.group), options.serve) as served:
        print(f"http://{ADDRESS}:{served.server_port}/ until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            served.serve_forever()
    return EXIT_PASSED


def deploy(options: Namespace) -> int:
    """Put the range into an account."""
    from pipelines.cloud import commands as cloud

    return cloud.deploy(options)


def status(options: Namespace) -> int:
    """Show an execution on AWS."""
    from pipelines.cloud import commands as cloud

    return cloud.status(options)


def destroy(options: Namespace) -> int:
    """Delete the range from an account."""
    from pipelines.cloud import commands as cloud

    return cloud.destroy(options)


def _definitions(out: Path) -> Path:
    return out / "cache" / "definitions"


def _run_id(given: str, config: Config) -> str:
    """Return the run's name: as given, or the entry's with the time (UTC)."""
    if not given:
        return f"{config.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    check_run_id(given)
    return given
