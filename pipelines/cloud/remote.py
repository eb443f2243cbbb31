"""`run --on aws`: the deployed pipeline is started, if it is the one of this campaign entry."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

from boomerang.digest import canonical_json, sha256_bytes
from boomerang.errors import AwsError, UsageError
from pipelines.campaign.sections import Config
from pipelines.cloud.deployed import Range
from pipelines.definition.build import build

# Source: SageMaker API Reference, PipelineExecutionName.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}")


def check_name(name: str) -> None:
    """Raise UsageError if an execution cannot be shown by that name."""
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            f"--id {name}", "SageMaker takes letters, digits and single hyphens, at most 82", "shorten it"
        )


def start(range_: Range, config: Config, *, again: str, name: str = "", cache: Path | None = None) -> str:
    """Start the deployed pipeline and return the execution's ARN.

    The request has a token of its own: repeated by boto3 after a lost answer, it starts nothing twice.

    Parameters
    ----------
    range_ : Range
    config : Config
        The campaign entry that is meant.
    again : str
        The command that deploys this entry, for the error.
    name : str
        What the execution is shown as.
    cache : Path or None
        The folder of kept definitions.

    Raises
    ------
    AwsError
        If the deployed pipeline is another one, or cannot be started.
    """
    check_name(name)
    wanted = build(config, range_.site(range_.image), cache=cache).definition
    digest = sha256_bytes(canonical_json(wanted))
    if digest not in range_.stack.parameters["DefinitionS3Key"]:
        why = "its pipeline is of another entry, of other settings or data, or of older code"
        raise AwsError(f"range {range_.project} is not deployed for this run", why, f"deploy it: {again}")
    return range_.account.start(range_.stack.outputs["PipelineName"], token=uuid4().hex, name=name)
