"""`image`: the container image of the jobs, built."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from boomerang.errors import EXIT_PASSED, UsageError
from pipelines.cli.options import Commands, add_entry

# Stands for the address of AWS' TensorFlow training container.
_AWS = "aws"


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "image",
        help="build the container image of the jobs",
        description="Build the image that every job runs in, with Docker; prints its digest and size. "
        "Without --accelerator it is for the machine that the entry trains on.",
    )
    command.set_defaults(act=image)
    add_entry(command)
    command.add_argument(
        "--accelerator",
        choices=("cpu", "gpu"),
        help="(default: gpu where the entry trains on a GPU, else cpu)",
    )
    command.add_argument(
        "--base",
        metavar="IMAGE",
        help="the image to build on (default: the official Python image); with gpu `aws` is AWS' TensorFlow "
        "training container, whose TensorFlow is kept",
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

    accelerator = options.accelerator or _accelerator(options)
    base = options.base
    if base == _AWS:
        if accelerator != "gpu":
            raise UsageError(f"--base {_AWS}", "AWS' training container is for a GPU", "--accelerator gpu")
        base = _aws_container()
    made = build(accelerator, base=base, tag=options.tag, options=tuple(options.docker))
    if options.sbom is not None:
        write_bytes_atomic(options.sbom, bill_of_materials(made))
    print(f"{made.tag} {made.digest} {made.bytes / 1e6:.0f} MB")
    return EXIT_PASSED


def _accelerator(options: Namespace) -> str:
    """Return what the entry trains on, and say it."""
    from pipelines.campaign.entry import load
    from pipelines.cloud.consent import say
    from pipelines.definition.machines import has_gpu

    machine = load(options.config, options.overrides).jobs.training_instance
    accelerator = "gpu" if has_gpu(machine) else "cpu"
    say(f"training runs on {machine}, so the image is built for the {accelerator} (--accelerator)")
    return accelerator


def _aws_container() -> str:
    from pipelines.campaign.site import LOCAL
    from pipelines.definition.sdk import gpu_base

    return gpu_base(LOCAL.region)
