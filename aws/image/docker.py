"""The `docker` command: is it there, what containers ran, and that nothing of ours stays behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boomerang.errors import ConfigError, StepFailed
from boomerang.safeio import is_alive

# Each container and network of ours says which process it belongs to, so that the next one can clear
# what a killed process has left.
OWNER_LABEL = "boomerang.owner"

_INSTALL = "install Docker Engine with compose (Debian, Ubuntu: apt install docker.io docker-compose)"


@dataclass(frozen=True)
class Ended:
    """A container that has ended: its name, its exit code, and how long it ran."""

    name: str
    exit_code: int
    seconds: float


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command to its end and return what it said; its exit code is not checked."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def check_docker(*, compose: bool = False) -> None:
    """See that Docker can be used.

    Parameters
    ----------
    compose : bool
        Whether compose is needed too.

    Raises
    ------
    ConfigError
        Saying what to install or to start.
    """
    if shutil.which("docker") is None:
        raise ConfigError("Docker is needed", "there is no `docker` command", _INSTALL)
    answer = docker("version", "--format", "{{.Server.Version}}")
    if answer.returncode:
        said = (answer.stderr.strip() or "no answer").splitlines()[-1]
        do = "start the Docker service, and see that this user may use it (group docker)"
        raise ConfigError("Docker is needed", f"its engine does not answer: {said}", do)
    if compose and shutil.which("docker-compose") is None and docker("compose", "version").returncode:
        why = "there is neither `docker compose` nor `docker-compose`"
        raise ConfigError("Docker Compose is needed", why, _INSTALL)


def owned() -> str:
    """Return the label of what belongs to this process."""
    return f"{OWNER_LABEL}={os.getpid()}"


@contextmanager
def isolated_network(name: str) -> Iterator[str]:
    """Give a network whose containers reach each other and nothing else; it is gone afterwards.

    What containers and networks a killed process of ours has left is cleared first; this process' own
    containers are cleared at the end.
    """
    clear_left_behind()
    made = docker("network", "create", "--internal", "--label", owned(), name)
    if made.returncode:
        raise StepFailed(
            f"Docker network {name}", made.stderr.strip(), "run again, or see `docker network ls`"
        )
    try:
        yield name
    finally:
        remove_containers(owned())
        docker("network", "rm", name)


def ended(label: str) -> list[Ended]:
    """Return the containers with a label, in the order they were made."""
    numbers = _ids("ps", "-a", label=label)
    if not numbers:
        return []
    entries = json.loads(docker("inspect", *reversed(numbers)).stdout)
    return [_ended(entry["Name"].lstrip("/"), entry["State"]) for entry in entries]


def _ended(name: str, state: Mapping[str, Any]) -> Ended:
    started, finished = (datetime.fromisoformat(state[key]) for key in ("StartedAt", "FinishedAt"))
    return Ended(name, state["ExitCode"], (finished - started).total_seconds())


def remove_containers(label: str) -> None:
    """Stop and remove every container with a label."""
    if numbers := _ids("ps", "-a", label=label):
        docker("rm", "--force", "--volumes", *numbers)


def stop_containers(label: str, grace_s: int) -> None:
    """Stop the containers with a label: SIGTERM, and SIGKILL after the grace time."""
    if numbers := _ids("ps", label=label):
        docker("stop", "--time", str(grace_s), *numbers)


def clear_left_behind() -> None:
    """Remove what belongs to processes that are no more."""
    for kind in ("ps", "network"):
        command = ("ps", "-a") if kind == "ps" else ("network", "ls")
        for number in _ids(*command, label=OWNER_LABEL):
            if not is_alive(_owner(number)):
                docker(*(("rm", "-f", "-v") if kind == "ps" else ("network", "rm")), number)


def _ids(*command: str, label: str) -> list[str]:
    return docker(*command, "-q", "--filter", f"label={label}").stdout.split()


def _owner(number: str) -> int:
    with suppress(ValueError, KeyError, IndexError, TypeError):
        entry = json.loads(docker("inspect", number).stdout)[0]
        labels = entry.get("Labels") or entry["Config"]["Labels"]
        return int(labels[OWNER_LABEL])
    return os.getpid()  # it is gone already, or not ours to judge
