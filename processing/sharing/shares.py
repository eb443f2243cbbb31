"""The shares of several machines as files: each writes a part, and one step reads them all.

    parts/2-of-3/NAME.npy        the rows that the second of three machines made for the task NAME
                 NAME.json       its notes, where the task has any
                 manifest.json   which share it is, and the digest of every input it was made from

The machines of a processing job cannot reach each other (SageMaker isolates them from any network),
but what all of them write ends up under one address. The step that reads it has the inputs that the
machines had. It takes all parts or none: each must be whole and made from these very inputs, and then
its outputs are to the byte those of a machine that did all the work alone. They do not mention parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from boomerang.blocks import Array
from boomerang.config import Strict
from boomerang.contract import Job
from boomerang.digest import digest_tree
from boomerang.errors import IntegrityError
from boomerang.manifest import Manifest, commit, committing, verify_folder
from boomerang.safeio import load_json, load_npy, write_json_atomic
from processing.sharing.spool import save_rows
from processing.sharing.tasks import Do, Piece, Task, alone, joined

PARTS = "parts"
KIND = "part"


class _Share(Strict):
    """What the manifest of a part says about it.

    Attributes
    ----------
    index, count : int
        Which machine made it, from 1, of how many.
    items : mapping
        Where its share of each task starts and stops.
    """

    index: int = Field(ge=1)
    count: int = Field(ge=1)
    items: dict[str, tuple[int, int]]

    @property
    def folder(self) -> str:
        return f"{self.index}-of-{self.count}"


@dataclass(frozen=True)
class _Part:
    path: Path
    share: _Share

    @property
    def called(self) -> str:
        return f"{PARTS}/{self.path.name}"

    def piece(self, task: Task) -> Piece:
        """Return this part's piece of a task whose share is not empty."""
        notes = self.path / f"{task.name}.json"
        rows = load_npy(self.path / f"{task.name}.npy", mmap=True)
        return Piece(rows, load_json(notes) if notes.exists() else [])


def write_part(job: Job, step: str, tasks: Iterable[Task]) -> None:
    """Do this machine's share of each task and write it as one part, in one piece.

    A machine that has nothing to do writes a part all the same: it says that nothing is missing.

    Parameters
    ----------
    job : Job
    step : str
        The name of the step that will read the parts.
    tasks : iterable of Task
    """
    index, count = job.hosts.index, job.hosts.count
    mine = [(task, *task.share(index, count)) for task in tasks]
    items = {task.name: (start, stop) for task, start, stop in mine}
    share = _Share(index=index + 1, count=count, items=items)
    manifest = Manifest(name=step, kind=KIND, parents=_digests(job), recipe=share.model_dump(mode="json"))
    with committing(job.output(PARTS) / share.folder) as scratch:
        for task, start, stop in mine:
            if start < stop:
                _save(scratch, task.name, task.pieces(start, stop))
                print(f"{task.name}: {start} to {stop} of {task.items}", flush=True)
        commit(scratch, manifest)


def _digests(job: Job) -> dict[str, str]:
    """Return the digest of every input that the job was given but the parts themselves.

    All of them: which ones its tasks depend on a step would have to say by hand, and forgetting one would
    go unnoticed.
    """
    return {name: digest_tree(job.input(name)) for name in job.inputs if name != PARTS}


def _save(folder: Path, name: str, pieces: Iterable[Piece]) -> None:
    notes: list[Any] = []

    def noted() -> Iterator[Array]:
        for piece in pieces:
            notes.extend(piece.notes)
            yield piece.rows

    save_rows(folder / f"{name}.npy", noted())
    if notes:
        write_json_atomic(folder / f"{name}.json", notes)


def worker(job: Job, step: str) -> Do:
    """Return how a step gets its tasks done: from the parts, where the job was given any, or here.

    Raises
    ------
    IntegrityError
        If a part is damaged, missing, there twice, of another step or made from other inputs.
    """
    return _gathered(job, step) if job.has_input(PARTS) else alone


def _gathered(job: Job, step: str) -> Do:
    # A machine that was killed leaves its scratch folder, whose name starts with a dot.
    folders = sorted(path for path in job.input(PARTS).iterdir() if not path.name.startswith("."))
    digests = _digests(job)
    parts = sorted((_opened(path, step, digests) for path in folders), key=lambda part: part.share.index)
    _check_complete(parts, step)

    def do(task: Task) -> Piece:
        pieces = [part.piece(task) for part in parts if _has_items(part, task)]
        return joined(pieces) if pieces else alone(task)

    return do


def _opened(path: Path, step: str, digests: Mapping[str, str]) -> _Part:
    """Open one part: undamaged, of this step and from these inputs."""
    if not path.is_dir():
        raise _refused(path, "it is no folder", step)
    manifest = verify_folder(path)
    if (manifest.kind, manifest.name) != (KIND, step):
        raise _refused(path, f"it is a {manifest.kind} of {manifest.name}, no part of {step}", step)
    try:
        part = _Part(path, _Share.model_validate(manifest.recipe))
    except ValidationError:
        raise _refused(path, "its manifest does not say which share it is", step) from None
    if part.share.folder != path.name:
        raise _refused(path, f"it holds {part.share.folder}", step)
    other = sorted(
        name
        for name in manifest.parents.keys() | digests.keys()
        if manifest.parents.get(name) != digests.get(name)
    )
    if other:
        raise _refused(path, f"it was not made from this step's input {', '.join(other)}", step)
    return part


def _refused(path: Path, why: str, step: str) -> IntegrityError:
    return IntegrityError(f"{PARTS}/{path.name} cannot be used", why, f"run {step}Parts again")


def _check_complete(parts: Sequence[_Part], step: str) -> None:
    counts = Counter(part.share.count for part in parts)
    names = ", ".join(part.called for part in parts) or "nothing"
    do = f"run {step}Parts again, on as many machines as before"
    if len(counts) != 1:
        why = "there is no part" if not counts else "they were made for different numbers of machines"
        raise IntegrityError(f"the parts of {step} ({names}) do not belong together", why, do)
    (count,) = counts
    missing = sorted(set(range(1, count + 1)) - {part.share.index for part in parts})
    if missing:
        gone = ", ".join(f"{PARTS}/{index}-of-{count}" for index in missing)
        raise IntegrityError(f"{gone} missing", f"{step} was shared by {count} machines", do)


def _has_items(part: _Part, task: Task) -> bool:
    """Whether a part's share of a task is not empty; it must be the share that this code would give it."""
    start, stop = task.share(part.share.index - 1, part.share.count)
    if part.share.items.get(task.name) != (start, stop):
        why = f"its share of '{task.name}' is not the items {start} to {stop}"
        raise IntegrityError(f"{part.called} cannot be used", why, "make all parts with one version")
    return start < stop
