"""What the commands that need an account do: `deploy`, `run`, `status`, `approve`, `reject`, `destroy`."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from pathlib import Path

from rich.table import Table

from aws import approval
from aws.account import connect
from aws.client import Client
from aws.image.image import TAGS
from aws.image.image import find as find_image
from aws.jobs.kms import KmsSigner
from aws.stack.changes import ChangeSet
from aws.stack.intrinsics import load_template
from aws.stack.parameters import read_parameters
from boomerang.errors import EXIT_PASSED, BadInput, UsageError
from pipelines.campaign.settings import load
from pipelines.cloud import follow
from pipelines.cloud.board import put_dashboard
from pipelines.cloud.consent import agreed, say, show_changes
from pipelines.cloud.deploy import Outcome, Request, rehearse
from pipelines.cloud.deploy import deploy as bring
from pipelines.cloud.deployed import Range, deployed
from pipelines.cloud.destroy import KEPT, Plan
from pipelines.cloud.destroy import destroy as delete
from pipelines.cloud.destroy import plan as plan_destroy
from pipelines.cloud.remote import check_name, start
from pipelines.cloud.status import find_execution, read_execution, read_surroundings
from pipelines.report.summary import open_console

_GPU = re.compile(r"ml\.[gp]\d")


def deploy(options: Namespace) -> int:
    """Put the range into an account, or bring it up to date."""
    template = load_template()
    request = Request(
        config=load(options.config, options.overrides),
        project=options.project,
        template=template,
        parameters=read_parameters(options.parameters, options.project, template),
        image=options.image_uri or find_image(options.image),
        role=options.role_arn,
        cache=_definitions(options.out),
    )
    rehearse(request)
    account = connect(options.region)
    number, who = account.identity()
    say(f"account {number}, region {account.region}, as {who}")
    _warn_of_idle_gpus(request)
    outcome = bring(request, account, say=say, agree=lambda changes: _agreed(changes, yes=options.yes))
    _show_outcome(outcome, options)
    return EXIT_PASSED


def _warn_of_idle_gpus(request: Request) -> None:
    """Say that machines with a GPU are paid for that the image cannot use."""
    machine = request.config.jobs.training_instance
    if not isinstance(request.image, str) and request.image.tag == TAGS["cpu"] and _GPU.match(machine):
        say(f"the image {request.image.tag} uses no GPU, and training runs on {machine}: see `image --help`")


def _agreed(changes: ChangeSet, *, yes: bool) -> bool:
    show_changes(changes)
    return agreed(f"change stack {changes.stack}?", yes=yes)


def _show_outcome(outcome: Outcome, options: Namespace) -> None:
    range_ = outcome.range
    outputs, where = range_.stack.outputs, range_.stack.where
    table = Table.grid(padding=(0, 2))
    for name, value in {
        "stack": f"{range_.project}, account {where.account}, {where.region}",
        "pipelines": f"{outputs['PipelineName']}, {outputs['CanaryPipelineName']}",
        "image": range_.image,
        "data": f"s3://{outputs['DataBucketName']}/{range_.project}",
        "packages": outputs["PackageGroupName"],
        "approve as": outputs["ApproverRoleArn"],
        "people": _people(range_),
        "dashboard": range_.project,
    }.items():
        table.add_row(name, value)
    console = open_console()
    console.print(table)
    changed = f"changed: {', '.join(outcome.changed)}" if outcome.changed else "nothing had to be changed"
    console.print(changed, markup=False, soft_wrap=True)
    console.print(f"next: {_command('run --on aws', options)}", markup=False, soft_wrap=True)


def _people(range_: Range) -> str:
    topic = range_.stack.outputs["AlertsTopicArn"]
    email = range_.stack.parameters.get("NotificationEmail", "")
    return f"{email} has to confirm the mail of {topic}" if email else f"nobody yet: subscribe to {topic}"


def run(options: Namespace) -> int:
    """Start the deployed pipeline; with `--wait`, follow it."""
    if options.image:
        raise UsageError(
            "--image", "on AWS the deployed image runs", "deploy another one: deploy --image NAME"
        )
    check_name(options.id)
    config = load(options.config, options.overrides)
    range_ = deployed(connect(options.region), options.project)
    again = _command("deploy", options)
    arn = start(range_, config, again=again, name=options.id, cache=_definitions(options.out))
    print(arn)
    say(f"follow it: {_follow(arn, options)}")
    return _watch(range_, arn, options) if options.wait else EXIT_PASSED


def status(options: Namespace) -> int:
    """Show an execution; with `--watch`, until it ends."""
    range_ = deployed(connect(options.region), options.project)
    arn = find_execution(range_, options.execution)
    if arn is None:
        print(f"pipeline {range_.stack.outputs['PipelineName']} has not run yet")
        follow.show_surroundings(read_surroundings(range_))
        return EXIT_PASSED
    if options.watch:
        return _watch(range_, arn, options)
    state = read_execution(range_.account, arn)
    follow.show(state, read_surroundings(range_))
    return state.exit_code


def _watch(range_: Range, arn: str, options: Namespace) -> int:
    try:
        state = follow.follow(range_.account, arn)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the execution goes on; follow it: {_follow(arn, options)}") from None
    follow.show(state, read_surroundings(range_))
    return state.exit_code


def approve(options: Namespace, by: str) -> int:
    """Approve a package of SageMaker's registry, after saying the gate's numbers."""
    found = approval.approve(
        Client(options.region),
        options.package,
        by=by,
        reason=options.reason,
        override=options.override,
        tell=print,
        changed=lambda _: _say_stale(options),
    )
    print(f"{found.name} is {found.status}")
    return EXIT_PASSED


def reject(options: Namespace, by: str) -> int:
    """Reject a package of SageMaker's registry."""
    found = approval.reject(
        Client(options.region),
        options.package,
        by=by,
        reason=options.reason,
        changed=lambda _: _say_stale(options),
    )
    print(f"{found.name} is {found.status}")
    return EXIT_PASSED


def _say_stale(options: Namespace) -> None:
    # The person who approves may not change the dashboard.
    region = ["--region", options.region] if options.region else []
    words = ["python", "-m", "pipelines", "dashboard", "--on", "aws", *region]
    say(f"who deploys brings the dashboard's line on packages up to date: {shlex.join(words)}")


def key(options: Namespace) -> int:
    """Write the public key of a range to a file."""
    if options.file.exists():
        raise BadInput(f"{options.file}", "it is there already", "give another name, or move it away")
    public = KmsSigner(f"alias/{options.project}-signing", options.region).public_key
    public.write(options.file)
    print(f"public key {options.file} (id {public.key_id[:12]})")
    return EXIT_PASSED


def dashboard(options: Namespace) -> int:
    """Put the dashboard of a range anew, with its newest package."""
    put = put_dashboard(deployed(connect(options.region), options.project), say)
    print(f"dashboard {options.project}: {'put' if put else 'nothing had to be changed'}")
    return EXIT_PASSED


def destroy(options: Namespace) -> int:
    """Delete the range, after saying what goes and what stays."""
    account = connect(options.region)
    plan = plan_destroy(account, options.project, load_template(), say)
    if plan is None:
        print(f"there is no stack {options.project} in {account.region}: nothing to delete")
        return EXIT_PASSED
    _show_plan(plan)
    if not agreed(f"delete stack {options.project}?", yes=options.yes):
        raise UsageError("destroy", "you did not agree, so nothing was deleted", "destroy again")
    delete(account, plan, say, role=options.role_arn)
    print(f"stack {options.project} is gone")
    return EXIT_PASSED


def _show_plan(plan: Plan) -> None:
    where = plan.stack.where
    print(f"stack {plan.stack.name}, account {where.account}, {where.region}")
    print(
        "goes: the dashboard, "
        + ", ".join(f"{number} x {kind}" for kind, number in sorted(plan.goes.items()))
    )
    for name, physical in plan.stays.items():
        kept = KEPT[name]
        print(f"stays: {name} {physical}\n  why: {kept.why}\n  by hand: {kept.by_hand.format(physical)}")


def _follow(arn: str, options: Namespace) -> str:
    words = ["python", "-m", "pipelines", "status", arn, "--watch", *_where(options)]
    return shlex.join(words)


def _command(command: str, options: Namespace) -> str:
    """Return a command line with the campaign entry and the range of this one."""
    words = ["python", "-m", "pipelines", *command.split(), "--config", options.config]
    words += [word for each in options.overrides for word in ("--set", each)]
    return shlex.join([*words, *_where(options)])


def _where(options: Namespace) -> list[str]:
    project = [] if options.project == "boomerang" else ["--project", options.project]
    return [*project, *(["--region", options.region] if options.region else [])]


def _definitions(out: Path) -> Path:
    return out / "cache" / "definitions"
