"""The `local` runner: a pipeline in containers of the project's image, by SageMaker's own local mode.

What it is given and leaves, `pipelines.runners.base` says. Nothing is taken from the cache of the
`process` runner.
"""

from __future__ import annotations

import os

from aws.image.docker import isolated_network
from boomerang.errors import UsageError
from pipelines.campaign.staging import stage
from pipelines.definition.sdk import draw, drawing
from pipelines.runners.base import Order
from pipelines.runners.containers.localmode import LocalPipelines
from pipelines.runners.containers.run_book import Book
from pipelines.runners.ledger import Ledger, held_run
from pipelines.runs.records import Execution


def run(order: Order) -> Execution:
    """Run what was ordered; the site's image is one that Docker has here.

    Raises
    ------
    UsageError
        See the contract; also if there is a signing key: the containers would have to be given it.
    StepFailed
        If Docker refuses to make a network.
    """
    if order.signing_key is not None:
        raise UsageError("a signing key", "containers would have to be given it", "run it as processes")
    built, site = order.built, order.site
    with (
        held_run(order.workspace, order.run_id) as run_dir,
        drawing(),
        isolated_network(f"boomerang-{os.getpid()}") as network,
    ):
        session = LocalPipelines(site, network)
        pipeline = draw(order.config, site, stage(order.config, site), session, gated=built.gated)
        defaults = {entry["Name"]: entry["DefaultValue"] for entry in built.definition["Parameters"]}
        book = Book(Ledger(run_dir, defaults, order.on_event), built.definition)
        book.ledger.prepare(built.definition, built.staged, order.config.model_dump(mode="json"))
        try:
            session.run(pipeline, order.run_id, book)
        except KeyboardInterrupt:
            book.interrupted()
            raise
        return book.ledger.close(book.close(), order.report, order.signing_key)
