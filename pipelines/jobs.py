"""One job: its private `/opt/ml`, laid out as SageMaker does it, and what it leaves there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from boomerang.contract import ML_ROOT
from boomerang.errors import BadInput, BoomerangError, StepFailed
from boomerang.manifest import FileEntry
from pipelines.plans import Plan, Target
from pipelines.processes import Host, Outcome
from pipelines.storage import Store, pack, plain_files, remove_tree, seal

_MESSAGE_CHARACTERS = 1024
_LOG_TAIL_LINES = 12
_LOG_TAIL_BYTES = 8192


@dataclass(frozen=True)
class Made:
    """A finished output: a folder, or a single packed file, with the digests of its files."""

    name: str
    path: Path
    files: Mapping[str, FileEntry]

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()


def lay_out(job: Plan, store: Store, ml: Path) -> None:
    """Make the job's `/opt/ml`: inputs linked in, outputs empty, SageMaker's own files written.

    Raises
    ------
    BadInput
        If nothing lies at the address of an input.
    """
    remove_tree(ml.parent)
    for source in job.sources:
        store.give(source.uri, ml / source.local)
    for target in job.targets:
        (ml / target.local).mkdir(parents=True, exist_ok=True)
    machine = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
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


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes
    ----------
    exit_code : int or None
        Of its process, if it came to that.
    made : tuple of Made
        Its outputs.
    failure : str
        Why it failed, or empty.
    """

    exit_code: int | None
    made: tuple[Made, ...] = ()
    failure: str = ""


def perform(job: Plan, store: Store, host: Host, folder: Path, log: Path) -> Result:
    """Run a job on a disk of its own in `folder/ml`, and finish its outputs there."""
    exit_code = None
    try:
        outcome = run(job, store, host, folder, log)
        exit_code = outcome.exit_code
        if exit_code != 0:
            return Result(exit_code, failure=failure_text(job, outcome, folder, log))
        return Result(exit_code, tuple(collect(job, folder)))
    except (BoomerangError, OSError) as error:
        return Result(exit_code, failure=str(error))


def run(job: Plan, store: Store, host: Host, folder: Path, log: Path) -> Outcome:
    """Lay out a job's disk in `folder/ml` and run it; its outputs are left there.

    Raises
    ------
    BadInput
        If an input is missing.
    StepFailed
        If the job changed what it was given to read.
    """
    lay_out(job, store, folder / "ml")
    before = {source.name: store.fingerprint(source.uri) for source in job.sources}
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    outcome = host.run(job, folder / "ml", log)
    changed = [source.name for source in job.sources if store.fingerprint(source.uri) != before[source.name]]
    if changed:
        why = f"it wrote into its input {', '.join(changed)}"
        raise StepFailed(f"step {job.step}", why, "a step reads its inputs and writes its outputs")
    return outcome


def collect(job: Plan, folder: Path) -> list[Made]:
    """Pack, seal and list the outputs of a job that ended well.

    Raises
    ------
    StepFailed
        If an output is not there, or holds something else than files and folders.
    """
    try:
        return [made for target in job.targets if (made := _collect(job, target, folder)) is not None]
    except BadInput as error:
        raise StepFailed(f"step {job.step}: its output cannot be kept", str(error)) from error


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


def failure_text(job: Plan, outcome: Outcome, folder: Path, log: Path) -> str:
    """Return why a job failed: the time limit, its own words, or the end of its log."""
    if outcome.timed_out:
        return f"it was stopped at its time limit of {job.timeout_s} s"
    words = folder / "ml/output" / ("failure" if job.training else "message")
    if words.is_file() and (text := words.read_text(encoding="utf-8", errors="replace").strip()):
        return text[:_MESSAGE_CHARACTERS]
    ended = f"signal {-outcome.exit_code}" if outcome.exit_code < 0 else f"exit code {outcome.exit_code}"
    tail = _tail(log)
    return f"it ended with {ended}" + (f"; the end of its log:\n{tail}" if tail else " and said nothing")


def _tail(log: Path) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = stream.read().decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-_LOG_TAIL_LINES:])
