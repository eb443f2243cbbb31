"""Publishing what a canary measured to CloudWatch.

Where this happens. A job with network isolation can call nothing, so its numbers would have to leave it in
its log, in CloudWatch's embedded metric format. That such lines are turned into metrics is documented for
Lambda, the CloudWatch agent and PutLogEvents, and not for the log group of SageMaker's processing jobs. An
alarm must not rest on that. So the canary's job is not isolated and publishes itself: in a VPC without
internet it reaches CloudWatch through an interface endpoint (`monitoring`), and its role may publish in this
namespace only. It reads an approved model and records of ours, and nothing of a stranger.

The step that opens the model runs before, as a process of its own, and what it left is verified here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aws.client import Client, batches
from boomerang.errors import BadInput, BoomerangError, UsageError
from boomerang.formats.canary import DATA_FILE, open_data
from boomerang.watching.metric_names import NAMESPACE, Datum


def publish(folder: Path, client: Client) -> tuple[Datum, ...]:
    """Publish the data in the output of a canary, and return them.

    The canary's data end with `CanaryRan`, so it arrives in the last request: where one before it fails,
    the canary counts as not run.

    Raises
    ------
    IntegrityError
        If the folder is not what the canary left.
    AwsError
        If CloudWatch does not take them.
    """
    data = open_data(folder)
    if not data or data[-1].name != "CanaryRan":
        raise BadInput(f"{folder / DATA_FILE}", "it does not end with CanaryRan", "run the canary again")
    for batch in batches([datum.as_request() for datum in data]):
        client.put_metrics(NAMESPACE, batch)
    return data


def main(arguments: Sequence[str]) -> int:
    """Publish one folder, `python -m aws.jobs.publish FOLDER`, and return the exit code."""
    try:
        if len(arguments) != 1:
            raise UsageError(
                "python -m aws.jobs.publish", "it takes one argument", "give the canary's output folder"
            )
        data = publish(Path(arguments[0]), Client())
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"published {len(data)} data in {NAMESPACE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
