"""`definition`: the pipeline's definition, as JSON."""

from __future__ import annotations

import json
from argparse import Namespace

from boomerang.errors import EXIT_PASSED
from pipelines.cli.options import Commands, add_entry


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "definition",
        help="print the pipeline's definition",
        description="Print the definition of the SageMaker pipeline as JSON. Needs no credentials.",
    )
    command.set_defaults(act=definition)
    add_entry(command)


def definition(options: Namespace) -> int:
    """Print the definition."""
    from pipelines.campaign.entry import load
    from pipelines.campaign.site import local_site
    from pipelines.definition.build import build

    config = load(options.config, options.overrides)
    print(json.dumps(build(config, local_site(config.name)).definition, indent=1))
    return EXIT_PASSED
