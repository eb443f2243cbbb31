"""The image in the account's registry: pushed with the `docker` command, named by its digest there.

The tag is the local image's digest, and tags cannot be changed there, so a tag that is there is this image.
The registry's own digest is another one: it is of the manifest.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from aws.account import Account
from aws.image.docker import docker
from aws.image.image import Image
from boomerang.errors import AwsError, UsageError

_STDERR = 2
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def push(account: Account, repository: str, image: Image) -> tuple[str, bool]:
    """Push an image if it is not there, and return `REPOSITORY@sha256:...` and whether it was pushed.

    Parameters
    ----------
    account : Account
    repository : str
        The repository's URI: `REGISTRY/NAME`.
    image : Image
        A local one.

    Raises
    ------
    AwsError
        If the registry refuses.
    """
    registry, _, name = repository.partition("/")
    tag = image.digest.removeprefix("sha256:")
    found = account.pushed(name, {"imageTag": tag})
    if found is not None:
        return f"{repository}@{found}", False
    with _signed_in(account, registry):
        _push(image, f"{repository}:{tag}")
    found = account.pushed(name, {"imageTag": tag})
    if found is None:
        raise AwsError(
            f"image {repository}:{tag}", "it was pushed, and the registry does not have it", "again"
        )
    return f"{repository}@{found}", True


def check_pushed(account: Account, repository: str, uri: str) -> str:
    """Return the address of an image that is in the repository already.

    Raises
    ------
    UsageError
        If it is not named by digest, or is of a repository that the jobs may not pull from.
    AwsError
        If the repository does not have it.
    """
    where, _, digest = uri.partition("@")
    if not _DIGEST.fullmatch(digest):
        raise UsageError(
            f"--image-uri {uri}", "it is not REPOSITORY@sha256:DIGEST", "a tag may change its meaning"
        )
    if where != repository:
        raise UsageError(
            f"--image-uri {uri}", "the jobs' roles may pull from one repository only", repository
        )
    if account.pushed(repository.partition("/")[2], {"imageDigest": digest}) is None:
        raise AwsError(f"image {uri}", "the repository does not have it", "push it: deploy --image NAME")
    return uri


def _push(image: Image, target: str) -> None:
    """Tag and push; Docker shows its own progress."""
    tagged = docker("tag", image.digest, target)
    if tagged.returncode:
        raise AwsError(
            f"image {image.tag}", tagged.stderr.strip(), "build it again: python -m pipelines image"
        )
    if subprocess.run(["docker", "push", target], stdout=_STDERR, check=False).returncode:
        raise AwsError(
            f"image {target} was not pushed", "docker push failed; its last lines say why", "again"
        )


@contextmanager
def _signed_in(account: Account, registry: str) -> Iterator[None]:
    """Sign Docker in for the block. The password goes through a pipe, into no command line and no log."""
    password = base64.b64decode(account.registry_token()).decode().partition(":")[2]
    command = ["docker", "login", "--username", "AWS", "--password-stdin", registry]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.replace(password, "***").strip()
        raise AwsError(f"Docker cannot sign in to {registry}", said, "see `docker login`")
    try:
        yield
    finally:
        docker("logout", registry)
