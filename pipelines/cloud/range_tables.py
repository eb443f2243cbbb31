"""A range in its account as a person is shown it: after it was put there, and before it goes."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from pipelines.cloud.deploy import Outcome
from pipelines.cloud.deployed import Range
from pipelines.cloud.destroy import KEPT, Plan
from pipelines.page.terminal import open_console


def show_deployed(outcome: Outcome, *, then: str) -> None:
    """Print where everything of a range is, what was changed for it, and the command that comes next."""
    table = Table.grid(padding=(0, 2))
    for name, value in _places(outcome.range).items():
        table.add_row(name, value)
    console = open_console()
    console.print(table)
    changed = f"changed: {', '.join(outcome.changed)}" if outcome.changed else "nothing had to be changed"
    console.print(changed, markup=False, soft_wrap=True)
    console.print(f"next: {then}", markup=False, soft_wrap=True)


def _places(range_: Range) -> Mapping[str, str]:
    outputs, where = range_.stack.outputs, range_.stack.where
    return {
        "stack": f"{range_.project}, account {where.account}, {where.region}",
        "pipelines": f"{outputs['PipelineName']}, {outputs['CanaryPipelineName']}",
        "image": range_.image,
        "data": f"s3://{outputs['DataBucketName']}/{range_.project}",
        "packages": outputs["PackageGroupName"],
        "approve as": outputs["ApproverRoleArn"],
        "people": _people(range_),
        "dashboard": range_.project,
    }


def _people(range_: Range) -> str:
    topic = range_.stack.outputs["AlertsTopicArn"]
    email = range_.stack.parameters.get("NotificationEmail", "")
    return f"{email} has to confirm the mail of {topic}" if email else f"nobody yet: subscribe to {topic}"


def show_going(plan: Plan) -> None:
    """Print what goes with a stack, and what stays, why, and how it is deleted by hand."""
    where = plan.stack.where
    print(f"stack {plan.stack.name}, account {where.account}, {where.region}")
    print(
        "goes: the dashboard, "
        + ", ".join(f"{number} x {kind}" for kind, number in sorted(plan.goes.items()))
    )
    for name, physical in plan.stays.items():
        kept = KEPT[name]
        print(f"stays: {name} {physical}\n  why: {kept.why}\n  by hand: {kept.by_hand.format(physical)}")
