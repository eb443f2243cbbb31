"""Everything that runs have recorded, held against what is on disk now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boomerang.digest import sha256_file
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.manifest import MANIFEST, Manifest, read_manifest, verify_folder
from pipelines.registry.local import Registry
from pipelines.registry.package_files import PACKAGE, verify_files
from pipelines.runs.cache import ENTRY, Cache, Damaged
from pipelines.runs.records import EXECUTION, OutputRecord, load_execution
from pipelines.runs.storage import plain_files


@dataclass(frozen=True)
class Problem:
    """A file that is not what was recorded of it, and how: changed, missing or foreign."""

    path: Path
    what: str


def verify(path: Path) -> list[Problem]:
    """Recompute every digest that was recorded of a run, of a workspace, or below any other folder.

    Of a run: the outputs of its steps and the manifests inside them. Of a workspace: all its runs, the
    cache, and the packages of the registry. Elsewhere: every package, and every other folder that has a
    manifest.

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
    check = _Check()
    if (path / EXECUTION).is_file():
        return list(check.run(path))
    runs = sorted(file.parent for file in path.glob(f"*/{EXECUTION}"))
    if runs or (path / "cache").is_dir():
        found = [problem for run in runs for problem in check.run(run)]
        return [*found, *_cache(path / "cache"), *_registry(path / "registry")]
    packages = sorted(file.parent for file in path.rglob(PACKAGE))
    committed = sorted(file.parent for file in path.rglob(MANIFEST))
    folders = [folder for folder in committed if not any(folder.is_relative_to(p) for p in packages)]
    if not packages and not folders:
        raise BadInput(f"{path}", "nothing in it was ever committed", "name a run, or a folder with datasets")
    found = [problem for package in packages for problem in _package(package)]
    return [*found, *(problem for folder in folders for problem in _folder(folder))]


def _folder(folder: Path) -> Iterator[Problem]:
    """Hold a committed folder that no run has recorded against its manifest."""
    try:
        verify_folder(folder)
    except IntegrityError as error:
        yield Problem(folder, error.why)


@dataclass
class _Check:
    """Digests by file, so that one that several runs share by hard link is read once."""

    digests: dict[tuple[int, int], str] = field(default_factory=dict)

    def run(self, run_dir: Path) -> Iterator[Problem]:
        try:
            execution = load_execution(run_dir)
        except BoomerangError as error:
            yield Problem(run_dir / EXECUTION, error.why)
            return
        for record in execution.steps:
            for output in record.outputs.values():
                yield from self._output(run_dir / output.path, output)

    def _output(self, path: Path, output: OutputRecord) -> Iterator[Problem]:
        if not path.exists():
            yield Problem(path, "is missing")
            return
        try:
            found = {path.name: path} if path.is_file() else dict(plain_files(path))
        except BadInput as error:
            yield Problem(path, f"{error.what}: {error.why}")
            return
        yield from self._files(path if path.is_dir() else path.parent, found, output.files)
        for manifest in (file for name, file in found.items() if file.name == MANIFEST):
            yield from self._manifest(manifest.parent)

    def _files(
        self, folder: Path, found: Mapping[str, Path], recorded: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Problem]:
        for name in sorted(found.keys() | recorded.keys()):
            if name not in found:
                yield Problem(folder / name, "is missing")
            elif name not in recorded:
                yield Problem(folder / name, "is foreign: no step wrote it")
            elif self._digest(found[name]) != recorded[name]["sha256"]:
                yield Problem(folder / name, "has been changed")

    def _manifest(self, folder: Path) -> Iterator[Problem]:
        """Hold a committed folder against its own manifest, which another run may depend on."""
        try:
            manifest = read_manifest(folder)
        except IntegrityError as error:
            yield Problem(folder / MANIFEST, error.why)
            return
        yield from self._against(folder, manifest)

    def _against(self, folder: Path, manifest: Manifest) -> Iterator[Problem]:
        for name, entry in sorted(manifest.files.items()):
            if (folder / name).is_file() and self._digest(folder / name) != entry.sha256:
                yield Problem(folder / name, "is not what its manifest says")

    def _digest(self, file: Path) -> str:
        stat = file.stat()
        key = (stat.st_dev, stat.st_ino)
        if key not in self.digests:
            self.digests[key] = sha256_file(file)
        return self.digests[key]


def _cache(root: Path) -> Iterator[Problem]:
    cache = Cache(root)
    for file in sorted(root.glob(f"??/[!.]*/{ENTRY}")):
        found = cache.find(file.parent.name, drop=False)
        if isinstance(found, Damaged):
            yield Problem(file.parent, f"is a damaged cache entry: {found.why}")


def _registry(root: Path) -> Iterator[Problem]:
    registry = Registry(root)
    for group in registry.groups():
        for version in registry.versions(group):
            yield from _package(root / group / str(version))


def _package(folder: Path) -> Iterator[Problem]:
    yield from (Problem(folder, wrong) for wrong in verify_files(folder))
