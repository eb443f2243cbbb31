"""A campaign on AWS: the deployed range's pipeline becomes the campaign's, and is started.

    uploads      what the cells read, and the definition   (aws.upload)
    the stack    its pipeline, by the definition's key     (aws.stack.changes)
    the start    of that pipeline

Nobody but the stack makes pipelines, so there is one for entries and campaigns alike: whoever runs an entry
afterwards deploys it again, as `run --on aws` says. An execution that goes on keeps the definition that it
was started with.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from aws.stack.live import Say
from aws.upload import Place, named
from boomerang.digest import canonical_json
from pipelines.campaign.member import Member
from pipelines.cloud.deploy import Agree, change_stack, check
from pipelines.cloud.deployed import Range
from pipelines.cloud.remote import check_name
from pipelines.definition.build import Built, build_campaign


def start_campaign(
    range_: Range,
    name: str,
    members: Sequence[Member],
    *,
    say: Say,
    agree: Agree,
    max_concurrency: int = 10,
    execution: str = "",
) -> str:
    """Make a campaign the pipeline of a range, start it, and return the execution's ARN.

    Repeated after an interrupt it goes on where it was: what is there is neither uploaded nor changed again.

    Parameters
    ----------
    range_ : Range
    name : str
        The campaign's.
    members : sequence of Member
        Its cells.
    say : callable
        Is told what goes on.
    agree : callable
        Is shown the change of the stack, and says whether it is to be executed.
    max_concurrency : int
        Jobs of one kind at once.
    execution : str
        What the execution is shown as.

    Raises
    ------
    ConfigError
        If the members cannot be one pipeline there, or its definition has mistakes.
    AwsError
        If AWS refuses.
    UsageError
        If the person does not agree, or an execution cannot be shown by that name.
    """
    check_name(execution)
    built = build_campaign(name, members, range_.site(range_.image), max_concurrency=max_concurrency)
    check(built.definition)
    parameters = {"DefinitionS3Key": _upload(range_, built, say)}
    changed, _ = change_stack(
        range_.account, range_.project, parameters, range_.template, say=say, agree=agree
    )
    return changed.account.start(changed.stack.outputs["PipelineName"], token=uuid4().hex, name=execution)


def _upload(range_: Range, built: Built, say: Say) -> str:
    """Upload a campaign's definition and what its cells read; return the definition's key."""
    content = canonical_json(built.definition)
    key = named(f"{range_.project}/definitions/campaign-", content, ".json")
    files = {**built.staged, f"s3://{range_.bucket}/{key}": content}
    done = Place(range_.account, range_.bucket, range_.stack.outputs["DataKeyArn"]).upload(files)
    say(f"objects: {done.put} uploaded, {done.kept} there already")
    return key
