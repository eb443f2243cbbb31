"""`image`: the container image of the jobs, built."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED
from pipelines.cli.options import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "image",
        help="build the container image of the jobs",
        description="Build the image that every job runs in, with Docker; prints its digest and size.",
    )
    command.set_defaults(act=image)
    command.add_argument("--accelerator", choices=("cpu", "gpu"), default="cpu", help="(default: cpu)")
    command.add_argument(
        "--base",
        metavar="IMAGE",
        help="the image to build on (default: the official Python image; for gpu AWS' TensorFlow container)",
    )
    command.add_argument("--tag", metavar="NAME", help="(default: boomerang:cpu or boomerang:gpu)")
    command.add_argument(
        "--sbom", type=Path, metavar="FILE", help="write its bill of materials (CycloneDX) here too"
    )
    command.add_argument(
        "--docker",
        action="append",
        default=[],
        metavar="OPTION",
        help="one more option of `docker build`, as in --docker=--network=host; may be repeated",
    )


def image(options: Namespace) -> int:
    """Build the image that the jobs run in."""
    from aws.image.image import bill_of_materials, build
    from boomerang.safeio import write_bytes_atomic
    from pipelines.campaign.site import LOCAL

    base = options.base
    if base is None and options.accelerator == "gpu":
        from pipelines.definition.sdk import gpu_base

        base = gpu_base(LOCAL.region)
    made = build(options.accelerator, base=base, tag=options.tag, options=tuple(options.docker))
    if options.sbom is not None:
        write_bytes_atomic(options.sbom, bill_of_materials(made))
    print(f"{made.tag} {made.digest} {made.bytes / 1e6:.0f} MB")
    return EXIT_PASSED
