"""Everything that runs have recorded, held against what is on disk now; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from boomerang.errors import BadInput, IntegrityError
from boomerang.manifest import MANIFEST, SIGNATURE, verify_folder
from pipelines.definition.kept import was_changed
from pipelines.registry.local import Registry
from pipelines.registry.package_files import PACKAGE, verify_files
from pipelines.runs.cache import ENTRY, Cache, Damaged
from pipelines.runs.held import Digests, Problem, hold_run
from pipelines.runs.records import DEFINITION, EXECUTION

__all__ = ["Problem", "verify"]


def verify(path: Path) -> list[Problem]:
    """Recompute every digest that was recorded of a run, of a workspace, or below any other folder.

    Of a run: its record, and every file of it. Of a workspace: all its runs, the cache with the definitions
    that are kept there, and the packages of the registry. Elsewhere: every package, and every other folder
    that has a manifest.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Problem
        Empty if all is as it was made.

    Raises
    ------
    BadInput
        If nothing below the folder was ever recorded.
    """
    path = path.resolve()
    if (path / EXECUTION).is_file():
        return list(hold_run(path))
    runs = sorted(file.parent for file in path.glob(f"*/{EXECUTION}"))
    if runs or (path / "cache").is_dir():
        digests = Digests()
        found = [problem for run in runs for problem in hold_run(run, digests)]
        found += [Problem(folder, f"is a run without its {EXECUTION}") for folder in _stripped(path, runs)]
        return [*found, *_cache(path / "cache"), *_registry(path / "registry")]
    packages = sorted(file.parent for file in path.rglob(PACKAGE))
    committed = sorted(file.parent for file in path.rglob(MANIFEST))
    folders = [folder for folder in committed if not any(folder.is_relative_to(p) for p in packages)]
    if not packages and not folders:
        raise BadInput(f"{path}", "nothing in it was ever committed", "name a run, or a folder with datasets")
    found = [problem for package in packages for problem in _files_of(package)]
    return [*found, *(problem for folder in folders for problem in _folder(folder))]


def _stripped(workspace: Path, runs: Sequence[Path]) -> list[Path]:
    """Return the folders in a workspace that a run has left, and whose record is gone."""
    left = {file.parent for name in (DEFINITION, SIGNATURE) for file in workspace.glob(f"*/{name}")}
    return sorted(left - set(runs))


def _folder(folder: Path) -> Iterator[Problem]:
    """Hold a committed folder that no run has recorded against its manifest."""
    try:
        verify_folder(folder)
    except IntegrityError as error:
        yield Problem(folder, error.why)


def _cache(root: Path) -> Iterator[Problem]:
    """Yield what is damaged; what another user kept is never used here, and so is not."""
    cache = Cache(root)
    for folder in sorted(root.glob("??/[!.]*")):
        found = cache.find(folder.name, drop=False)
        if found is None:
            yield Problem(folder, f"is no cache entry: it has no {ENTRY}")
        elif isinstance(found, Damaged) and not found.foreign:
            yield Problem(folder, f"is a damaged cache entry: {found.why}")
    for file in sorted((root / "definitions").glob("*.json")):
        if was_changed(file):
            yield Problem(file, "is a kept definition that has been changed")


def _registry(root: Path) -> Iterator[Problem]:
    registry = Registry(root)
    groups = registry.groups()
    for path in sorted(root.glob("[!.]*")):
        if path.name not in groups:
            yield Problem(path, "is no model package group")
    for group in groups:
        for name in registry.foreign(group):
            yield Problem(root / group / name, "is no version of the group")
        for version in registry.versions(group):
            wrong = registry.verify_package(group, version)
            yield from (Problem(root / group / str(version), each) for each in wrong)


def _files_of(folder: Path) -> Iterator[Problem]:
    yield from (Problem(folder, wrong) for wrong in verify_files(folder))
