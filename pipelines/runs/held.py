"""A run held against its record: every file of it, and nothing beside them.

Nothing is changed that is looked at, and what the record names is looked for in the run's folder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boomerang.digest import sha256_file
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.manifest import MANIFEST, SIGNATURE, Manifest, read_manifest
from boomerang.safeio import display_name, safe_join
from pipelines.runs.locking import JOBS_LOCK, RUN_LOCK
from pipelines.runs.records import EXECUTION, LOGS, Execution, OutputRecord, check_record, load_execution
from pipelines.runs.storage import plain_files

STORE = "s3"
# What a run leaves besides: its locks, its record with its signature, and disks of jobs that failed.
_BESIDE = frozenset({RUN_LOCK, JOBS_LOCK, EXECUTION, SIGNATURE, "jobs", "checkpoints"})


@dataclass(frozen=True)
class Problem:
    """A file that is not what was recorded of it, and how: changed, missing or foreign."""

    path: Path
    what: str


@dataclass
class Digests:
    """Digests by file, so that one that several runs share by hard link is read once."""

    known: dict[tuple[int, int], str] = field(default_factory=dict)

    def of(self, file: Path) -> str:
        """Return the digest of a file."""
        stat = file.stat()
        key = (stat.st_dev, stat.st_ino)
        if key not in self.known:
            self.known[key] = sha256_file(file)
        return self.known[key]


def hold_run(run_dir: Path, digests: Digests | None = None) -> Iterator[Problem]:
    """Yield what of a run is not as its record says it, and what is wrong with the record.

    Of a run that has not ended its finished outputs are held, and what lies beside them is not known yet.
    """
    digests = digests or Digests()
    try:
        if wrong := check_record(run_dir):
            yield Problem(run_dir / EXECUTION, wrong)
        execution = load_execution(run_dir)
    except BoomerangError as error:
        yield Problem(run_dir / EXECUTION, error.why or error.what)
        return
    outputs = [output for record in execution.steps for output in record.outputs.values()]
    for output in outputs:
        yield from hold_output(run_dir, output, digests)
    recorded = execution.files | execution.staged
    for name, entry in sorted(recorded.items()):
        yield from hold_file(run_dir, name, entry, digests)
    if execution.has_ended:
        yield from _foreign(execution, {output.path for output in outputs})


def hold_output(run_dir: Path, output: OutputRecord, digests: Digests) -> Iterator[Problem]:
    """Yield what of one output of a run is not as its record says it."""
    try:
        path = safe_join(run_dir, output.path)
    except BadInput as error:
        yield Problem(run_dir / EXECUTION, f"names an output outside of the run: {error.why}")
        return
    if not path.exists():
        yield Problem(path, "is missing")
        return
    try:
        found = {path.name: path} if path.is_file() else dict(plain_files(path))
    except BadInput as error:
        yield Problem(path, f"{error.what}: {error.why}")
        return
    folder = path if path.is_dir() else path.parent
    for name in sorted(found.keys() | output.files.keys()):
        shown = folder / display_name(name)
        if name not in found:
            yield Problem(shown, "is missing")
        elif name not in output.files:
            yield Problem(shown, "is foreign: no step wrote it")
        elif digests.of(found[name]) != output.files[name].get("sha256"):
            yield Problem(shown, "has been changed")
    for manifest in (file for file in found.values() if file.name == MANIFEST):
        yield from _committed(manifest.parent, digests)


def _committed(folder: Path, digests: Digests) -> Iterator[Problem]:
    """Hold a committed folder against its own manifest, which another run may depend on."""
    try:
        manifest: Manifest = read_manifest(folder)
    except IntegrityError as error:
        yield Problem(folder / MANIFEST, error.why)
        return
    for name, entry in sorted(manifest.files.items()):
        if (folder / name).is_file() and digests.of(folder / name) != entry.sha256:
            yield Problem(folder / name, "is not what its manifest says")


def hold_file(run_dir: Path, name: str, entry: Mapping[str, Any], digests: Digests) -> Iterator[Problem]:
    """Yield what of one file of a run, which no step wrote, is not as its record says it."""
    try:
        path = safe_join(run_dir, name)
    except BadInput as error:
        yield Problem(run_dir / EXECUTION, f"names a file outside of the run: {error.why}")
        return
    if path.is_symlink() or not path.is_file():
        yield Problem(path, "is missing")
    elif digests.of(path) != entry.get("sha256"):
        yield Problem(path, "has been changed")


def _foreign(execution: Execution, outputs: set[str]) -> Iterator[Problem]:
    """Yield what lies in the folder of a run that has ended and stands in no record."""
    known = execution.files | execution.staged
    for path in sorted(execution.run_dir.iterdir()):
        if path.name in _BESIDE or path.name in known:
            continue
        if path.name not in (STORE, LOGS) or path.is_symlink() or not path.is_dir():
            yield Problem(path, "is foreign: the run did not write it")
            continue
        for file in sorted(path.rglob("*")):
            name = file.relative_to(execution.run_dir).as_posix()
            inside = any(name == output or name.startswith(f"{output}/") for output in outputs)
            if (file.is_symlink() or not file.is_dir()) and not inside and name not in known:
                yield Problem(file, "is foreign: the run did not write it")
