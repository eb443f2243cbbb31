"""The project's image: packed, built and found by its digest, with the `docker` command."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aws.image.docker import check_docker, docker
from aws.image.sbom import PLACE
from boomerang.errors import ConfigError, StepFailed

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = "aws/image/container/Dockerfile"
TAGS = {"cpu": "boomerang:cpu", "gpu": "boomerang:gpu"}

# The code of the jobs. Of `aws` it is what the canary and the signing need, and nothing that deploys.
JOBS = ("boomerang", "processing", "training", "aws/__init__.py", "aws/client.py", "aws/jobs")
# Where it lies in the build context, all of which the Dockerfile copies.
CODE = "code"
_CONTAINER = ("aws/image/container", "aws/image/sbom.py")
_LEFT_OUT = ("__pycache__", ".mypy_cache", ".ruff_cache")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Image:
    """A built image.

    Attributes
    ----------
    tag : str
        The name it can be asked for by.
    digest : str
        `sha256:` and 64 digits: the image itself, whatever the tag says later.
    bytes : int
        Its size, unpacked.
    """

    tag: str
    digest: str
    bytes: int


def build(
    accelerator: str = "cpu",
    *,
    base: str | None = None,
    tag: str | None = None,
    options: tuple[str, ...] = (),
) -> Image:
    """Build the image and return it.

    Parameters
    ----------
    accelerator : {'cpu', 'gpu'}
    base : str, optional
        The image to build on; the Dockerfile's own if not given. One for the GPU keeps the TensorFlow that it
        brings.
    tag : str, optional
    options : tuple of str
        More options of `docker build`, such as a network or build arguments.

    Raises
    ------
    ConfigError
        If Docker is missing or does not run.
    StepFailed
        If the build fails; its own output has been shown.
    """
    check_docker()
    tag = tag or TAGS[accelerator]
    arguments = ["--build-arg", f"ACCELERATOR={accelerator}"]
    arguments += ["--build-arg", f"BASE={base}"] if base else []
    command = ["docker", "build", "-f", DOCKERFILE, "-t", tag, *arguments, *options, "-"]
    done = subprocess.run(command, input=context(), check=False, stdout=sys.stderr)
    if done.returncode:
        raise StepFailed(f"building {tag}", "docker build failed; its last lines say why")
    return find(tag)


def bill_of_materials(image: Image) -> bytes:
    """Return what is in an image: its own bill of materials, CycloneDX as JSON.

    Raises
    ------
    ConfigError
        If it has none.
    """
    done = docker("run", "--rm", "--network", "none", image.digest, "cat", PLACE)
    if done.returncode:
        raise ConfigError(f"image {image.tag}", "it has no bill of materials", "build it again: make image")
    return done.stdout.encode()


def context(root: Path = ROOT) -> bytes:
    """Return the build context as a tar: the steps' packages and the container's own files.

    The same sources give the same bytes, so that Docker's cache holds across checkouts.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in _files(root):
            name = path.relative_to(root).as_posix()
            info = tarfile.TarInfo(name if name.startswith(_CONTAINER) else f"{CODE}/{name}")
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as stream:
                archive.addfile(info, stream)
    return packed.getvalue()


def _files(root: Path) -> Iterator[Path]:
    for folder in (*JOBS, *_CONTAINER):
        found = [root / folder] if (root / folder).is_file() else sorted((root / folder).rglob("*"))
        for path in found:
            if path.is_file() and not any(part in _LEFT_OUT for part in path.parts):
                yield path


def find(name: str) -> Image:
    """Return the image of a tag or digest.

    Raises
    ------
    ConfigError
        If Docker is missing, or has no such image.
    """
    check_docker()
    done = docker("image", "inspect", "--format", "{{.Id}} {{.Size}}", name)
    if done.returncode:
        build_it = "make image" + (" ACCELERATOR=gpu" if name == TAGS["gpu"] else "")
        raise ConfigError(f"image {name}", "Docker has no image of this name", f"build it: {build_it}")
    digest, size = done.stdout.split()
    if not _DIGEST.fullmatch(digest):
        raise ConfigError(
            f"image {name}", f"Docker calls it '{digest}', which is no digest", "build it again"
        )
    return Image(name, digest, int(size))
