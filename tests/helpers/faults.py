"""The toy pipeline in a process that something happens to, and what has to be true afterwards.

A fault at a place in the code is put there by an audit hook, which Python calls before each operation on a
file: the process is killed, or told that the disk is full, just before the n-th one that matches. Nothing of
ours is replaced.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from boomerang.safeio import load_json
from helpers.interrupts import heard
from helpers.ranges import ROOT
from helpers.toy_runs import runner
from pipelines.registry import local
from pipelines.registry.local import Registry
from pipelines.runners import interrupts
from pipelines.runners.verify import verify
from pipelines.runs import cache, records
from pipelines.runs.records import Execution, load_execution

# The run that was there before, the one that something happens to, and one after it.
EARLIER, DISTURBED, LATER = "earlier", "run", "later"
GROUP = "toys"


@dataclass(frozen=True)
class At:
    """Before an operation whose words match: a signal to this process; or an error, there and ever after.

    The words are those of the audit event: its name, then its arguments, as in `os.rename FROM TO`. It is the
    first such operation after one that matches `after`.
    """

    words: str
    after: str = ""
    signal: int = signal.SIGKILL
    error: int = 0


@dataclass(frozen=True)
class Fault:
    """How the disturbed run is started.

    Attributes
    ----------
    jobs : mapping of str to str
        Bodies that jobs of the toy have instead of their own.
    at : At, optional
    limits : mapping of str to int
        `RLIMIT_...` of the runner, and so of its jobs; of memory, what it gets more than it has.
    days : int
        How far off the clock is.
    environment : mapping of str to str
    below : sequence of str
        The command that starts it.
    """

    jobs: Mapping[str, str] = field(default_factory=dict)
    at: At | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    days: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    below: Sequence[str] = ()


def start(folder: Path, fault: Fault, run_id: str = DISTURBED, **more: Any) -> subprocess.Popen[bytes]:
    """Start a run of the toy pipeline in a process of its own, with its fault."""
    told = {
        "jobs": dict(fault.jobs),
        "at": vars(fault.at) if fault.at else None,
        "limits": dict(fault.limits),
        "days": fault.days,
        "run_id": run_id,
        "said": "stdout" in more,
    }
    code = "import sys; from helpers import faults; faults.child(*sys.argv[1:])"
    command = [*fault.below, sys.executable, "-c", code, str(folder), json.dumps(told)]
    with heard():
        return subprocess.Popen(
            command, env=environment() | fault.environment, **{"stderr": subprocess.PIPE, **more}
        )


def environment() -> dict[str, str]:
    """Return the environment in which a process of its own finds the project and these helpers."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


def child(folder: str, told: str) -> None:
    """Run the toy pipeline in this process, with the fault it is told of; ends as the run does."""
    fault = json.loads(told)
    if fault["days"]:
        for module in (records, cache, local):
            vars(module)["now"] = lambda: _shifted(fault["days"])
    interrupts.keep()  # as the command line does
    start_run = runner(Path(folder))
    for name, value in fault["limits"].items():
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = value + has if name == "RLIMIT_AS" else value
        resource.setrlimit(getattr(resource, name), (most, most))
    if fault["at"]:
        arm(At(**fault["at"]))
    events = (lambda event: print(event, flush=True)) if fault["said"] else (lambda event: None)
    execution = start_run(run_id=fault["run_id"], jobs=fault["jobs"], on_event=events)
    sys.exit(execution.status != "Succeeded")


def _shifted(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")


def arm(at: At) -> None:
    """Have something happen before an operation of this process on a file."""
    armed = [not at.after]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith(("os.", "open")):
            return
        said = " ".join(map(str, (event, *arguments)))
        if armed[0] and re.search(at.words, said):
            if at.error:
                raise OSError(at.error, os.strerror(at.error))
            os.kill(os.getpid(), at.signal)
        armed[0] = armed[0] or bool(re.search(at.after, said))

    sys.addaudithook(hook)


_WRITES = ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")


def kill_everywhere(folder: str, every: str) -> None:
    """Kill a run before each `every`-th of its operations on files, and look at the workspace after each.

    Its jobs come from the cache. This process forks, and so must have no threads: it is one of its own. It
    prints how often the run was killed.
    """
    root, number = Path(folder), 0
    undisturbed = load_execution(root / "undisturbed/runs" / DISTURBED)
    before = Before(root, digests(undisturbed))
    while True:
        place = root / f"killed-{number}"
        before.copy(place)
        shutil.copytree(root / "undisturbed/runs/cache", place / "runs/cache", dirs_exist_ok=True)
        if not _killed_before(number, place):
            break
        check_nothing_is_lost(place, before)
        check_all_is_well_again(place, before, runner(place))
        shutil.rmtree(place)
        number += int(every)
    print(number // int(every))


def _killed_before(number: int, place: Path) -> bool:
    """Run in a fork that is killed before an operation of this number; whether it came to that."""
    pid = os.fork()
    if pid == 0:
        left = [number]

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in _WRITES or (event == "open" and set(str(arguments[1])) & set("wxa")):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

        sys.addaudithook(hook)
        runner(place)(run_id=DISTURBED)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def digests(execution: Execution) -> dict[str, str]:
    """Return the digest of each output of a run."""
    return {
        f"{record.name}/{name}": output.digest
        for record in execution.steps
        for name, output in record.outputs.items()
    }


@dataclass(frozen=True)
class Before:
    """A workspace with one finished run, and what a run that nothing happens to has for digests."""

    folder: Path
    digests: dict[str, str]

    def copy(self, folder: Path) -> None:
        """Copy the workspace."""
        shutil.copytree(self.folder / "runs", folder / "runs")


def prepare(folder: Path) -> Before:
    """Make the workspace: its run has another word than the later ones, so that they have to do all anew."""
    undisturbed = runner(folder / "undisturbed")(run_id=DISTURBED)
    assert undisturbed.status == "Succeeded"
    assert runner(folder)(run_id=EARLIER, parameters={"Word": "two"}).status == "Succeeded"
    return Before(folder, digests(undisturbed))


def check_nothing_is_lost(folder: Path, before: Before) -> None:
    """What was finished is as it was, and what is recorded as finished is whole."""
    runs = folder / "runs"
    for record in runs.glob("*/execution.json"):
        load_json(record)
    assert [str(problem) for problem in verify(runs)] == []
    assert content(runs / "registry" / GROUP / "1") == content(before.folder / "runs/registry" / GROUP / "1")
    assert digests(load_execution(runs / EARLIER)) == digests(
        load_execution(before.folder / "runs" / EARLIER)
    )


def check_all_is_well_again(folder: Path, before: Before, run: Callable[..., Execution]) -> None:
    """Runs that nothing happens to give what they always give, and nothing is left of the fault."""
    runs = folder / "runs"
    for run_id in (DISTURBED, LATER):
        execution = run(run_id=run_id)
        assert (execution.status, execution.failure) == ("Succeeded", "")
        assert digests(execution) == before.digests
    assert [record.name for record in execution.steps if record.cached] == ["Make", "Train", "Measure"]
    check_nothing_is_lost(folder, before)
    registry = Registry(runs / "registry")
    packages = registry.list_packages(GROUP)
    assert [package.version for package in packages] == [1, 2, 3]
    assert sorted(package.facts["run"] for package in packages) == sorted([EARLIER, DISTURBED, LATER])
    assert [registry.verify_package(GROUP, package.version) for package in packages] == [[], [], []]
    assert [path.relative_to(runs).as_posix() for path in left_over(runs)] == []


def left_over(runs: Path) -> Iterator[Path]:
    """Give what writers that did not finish have left, and disks of jobs."""
    for path in sorted(runs.rglob("*")):
        if path.suffix in (".part", ".old", ".gone") or (path.parent.name == "jobs" and path.is_dir()):
            yield path


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def in_mounts(script: str) -> list[str]:
    """Return what starts a command below a shell script that may mount; its mounts are seen by it alone."""
    own = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount: run as root, or allow user namespaces")
    return [*own, "sh", "-ec", script, "sh"]
