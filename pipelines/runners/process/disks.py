"""One job: the private `/opt/ml` of each of its machines, laid out as SageMaker does it, and its outputs."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from boomerang.contract import ML_ROOT
from boomerang.errors import BadInput, BoomerangError, StepFailed
from boomerang.safeio import remove_tree
from pipelines.language.job_plan import Plan, Target
from pipelines.runners.failure import failure_words
from pipelines.runners.process.processes import Host, Outcome
from pipelines.runs.storage import Made, Store, pack, plain_files, seal


@dataclass(frozen=True)
class Seat:
    """One machine of a job: its name, the folder with its `/opt/ml` (`ml`) in it, and its log."""

    name: str
    folder: Path
    log: Path

    @property
    def ml(self) -> Path:
        """What stands for `/opt/ml`."""
        return self.folder / "ml"


def seats(job: Plan, folder: Path, log: Path) -> tuple[Seat, ...]:
    """Return the machines of a job; the only or first one has the log that is asked for."""
    if job.hosts == 1:
        return (Seat(job.host_names[0], folder, log),)
    first, *others = job.host_names
    rest = (Seat(name, folder / name, log.with_suffix(f".{name}.log")) for name in others)
    return (Seat(first, folder / first, log), *rest)


def lay_out(job: Plan, store: Store, seat: Seat, checkpoints: Path | None) -> None:
    """Make one machine's `/opt/ml`: inputs linked in, outputs empty, SageMaker's own files written.

    Raises
    ------
    BadInput
        If nothing lies at the address of an input.
    """
    remove_tree(seat.folder)
    ml = seat.ml
    for source in job.sources:
        store.give(source.uri, ml / source.local)
    for target in job.targets:
        (ml / target.local).mkdir(parents=True, exist_ok=True)
    machine = {"current_host": seat.name, "hosts": job.host_names, "network_interface_name": "lo"}
    if not job.training:
        _write_json(ml / "config/resourceconfig.json", machine)
        return
    channel = {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    _write_json(ml / "input/config/resourceconfig.json", machine)
    _write_json(ml / "input/config/hyperparameters.json", dict(job.hyperparameters))
    _write_json(ml / "input/config/inputdataconfig.json", {source.name: channel for source in job.sources})
    if job.checkpoints and checkpoints is not None:
        checkpoints.mkdir(parents=True, exist_ok=True)
        (ml / "checkpoints").symlink_to(checkpoints)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes
    ----------
    outcome : Outcome or None
        Of its process, if it came to that.
    made : tuple of Made
        Its outputs.
    failure : str
        Why it failed, or empty.
    """

    outcome: Outcome | None
    made: tuple[Made, ...] = ()
    failure: str = ""


def perform(
    job: Plan,
    store: Store,
    host: Host,
    folder: Path,
    log: Path,
    checkpoints: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> Result:
    """Run a job on a disk of its own in `folder`, and finish its outputs there.

    What `more` adds to its environment is in no definition and no record.
    """
    outcome = None
    try:
        places = seats(job, folder, log)
        outcome, place = run(job, store, host, places, checkpoints, more)
        if outcome.exit_code != 0:
            return Result(outcome, failure=failure_text(job, outcome, place.ml, place.log))
        return Result(outcome, tuple(collect(job, places)))
    except (BoomerangError, OSError) as error:
        return Result(outcome, failure=str(error))


def run(
    job: Plan,
    store: Store,
    host: Host,
    places: Sequence[Seat],
    checkpoints: Path | None,
    more: Mapping[str, str] | None = None,
) -> tuple[Outcome, Seat]:
    """Lay out the disks of a job's machines and run it; its outputs are left there.

    Returns
    -------
    outcome : Outcome
        Of the first machine that failed, or of the first.
    place : Seat
        That machine.

    Raises
    ------
    BadInput
        If an input is missing.
    StepFailed
        If the job changed what it was given to read.
    """
    for place in places:
        lay_out(job, store, place, checkpoints)
        place.log.parent.mkdir(parents=True, exist_ok=True)
        place.log.write_bytes(b"")
    before = {source.name: store.fingerprint(source.uri) for source in job.sources}
    ended = list(zip(_run_all(job, host, places, more or {}), places, strict=False))
    changed = [source.name for source in job.sources if store.fingerprint(source.uri) != before[source.name]]
    if changed:
        why = f"it wrote into its input {', '.join(changed)}"
        raise StepFailed(f"step {job.step}", why, "a step reads its inputs and writes its outputs")
    return next((pair for pair in ended if pair[0].exit_code), ended[0])


def _run_all(job: Plan, host: Host, places: Sequence[Seat], more: Mapping[str, str]) -> list[Outcome]:
    """Run a job on each of its machines: a training on all at once, for they wait for each other."""
    if not job.training or job.hosts == 1:
        return [host.run(job, place.ml, place.log, more) for place in places]
    others = [Host(host.project, lock=host.lock) for _ in places]
    cluster = loopback_cluster(len(places))
    try:
        with ThreadPoolExecutor(len(places)) as pool:
            running = [
                pool.submit(each.run, job, place.ml, place.log, {**more, "TF_CONFIG": cluster[index]})
                for index, (each, place) in enumerate(zip(others, places, strict=True))
            ]
            return [future.result() for future in running]
    finally:
        for each in others:
            each.close()


def loopback_cluster(count: int) -> list[str]:
    """Return TF_CONFIG for each of several workers on this machine, with ports that are free now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        workers = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    return [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(count)
    ]


def collect(job: Plan, places: Sequence[Seat]) -> list[Made]:
    """Bring together, pack, seal and list the outputs of a job that ended well.

    Raises
    ------
    StepFailed
        If an output is not there, holds something else than files and folders, or two machines wrote
        the same file.
    """
    try:
        for target in job.targets:
            for other in places[1:]:
                _bring(job, other.ml / target.local, places[0].ml / target.local)
        made = (_collect(job, target, places[0].folder) for target in job.targets)
        return [each for each in made if each is not None]
    except BadInput as error:
        raise StepFailed(f"step {job.step}: its output cannot be kept", str(error)) from error


def _bring(job: Plan, source: Path, target: Path) -> None:
    """Move the files of another machine's output to the first's, as all lie under one address."""
    for name, file in list(plain_files(source)):
        if (target / name).exists():
            raise StepFailed(f"step {job.step}", f"two of its machines wrote {target.name}/{name}")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        file.rename(target / name)


def _collect(job: Plan, target: Target, folder: Path) -> Made | None:
    left = folder / "ml" / target.local
    if not left.is_dir():
        raise StepFailed(f"step {job.step}", f"it removed its output folder '{target.name}'")
    if not target.packed:
        return Made(target.name, left, seal(left))
    if not any(plain_files(left)):
        if target.optional:
            return None
        raise StepFailed(f"step {job.step}", f"it left nothing in {ML_ROOT}/{target.local}")
    archive = folder / "packed" / PurePosixPath(target.uri).name
    pack(left, archive)
    shutil.rmtree(left)
    return Made(target.name, archive, seal(archive))


def failure_text(job: Plan, outcome: Outcome, ml: Path, log: Path) -> str:
    """Return why a job's process failed: the time limit, its own words, or the end of its log."""
    file = ml / "output" / ("failure" if job.training else "message")
    said = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return failure_words(job, said, log, outcome.exit_code, timed_out=outcome.timed_out)
