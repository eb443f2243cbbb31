"""The local model registry: a folder for each version of a model package group, readable as files.

    <root>/<group>/<version>/package.json    what was registered and where it came from; never changed
                             model.tar.gz    a hard link to the model
                             metrics.json    what was measured on it
                             canaries/       hard links to what its canary asks it about,
                             probes/         so that it can when the run is gone
                             signature.json  once somebody has signed it (`boomerang.signing`)
                             status.json     the approval status, with its history

A version is a number that is given once. It stands for the model package of SageMaker's registry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json
from boomerang.errors import BadInput, BoomerangError, IntegrityError, nearest
from boomerang.safeio import in_one_piece, load_json, sweep, write_json_atomic
from pipelines.registry.package_files import (
    FOLDERS,
    METRICS,
    MODEL,
    PACKAGE,
    STATUS,
    record_file,
    record_folder,
    verify_files,
)
from pipelines.runs.locking import locked
from pipelines.runs.records import now
from pipelines.runs.storage import link_file

STATUSES = ("PendingManualApproval", "Approved", "Rejected")
# What is compared to know a registration that was done before.
_IDENTITY = ("run", "step", "model", "metrics", FOLDERS)
_DECISION = ("status", "at", "by", "reason")
_RESTORE = "restore it, or register the model again"
_GROUP = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")


@dataclass(frozen=True)
class Package:
    """One version of a model package group.

    Attributes
    ----------
    group : str
    version : int
        From 1.
    folder : Path
    facts : dict
        The content of `package.json`: `created`, `run`, `step`, `model` and `metrics` (digests and
        sizes), `folders` (the same of each file in what is kept with it, by the folder's name),
        `dataset` (digest and manifest of the training set), `sources` (what came from outside the
        pipeline), `lineage` (every step the model came through, with the digests of its inputs and
        outputs), `metadata` (what the pipeline says of it).
    history : tuple of dict
        Every status it had: `status`, `at`, `by`, `reason`; the last one holds.
    """

    group: str
    version: int
    folder: Path
    facts: dict[str, Any]
    history: tuple[dict[str, str], ...]

    @property
    def status(self) -> str:
        """The approval status."""
        return self.history[-1]["status"]

    @property
    def name(self) -> str:
        """`group/version`."""
        return f"{self.group}/{self.version}"

    @property
    def model(self) -> Path:
        """The model's `model.tar.gz`."""
        return self.folder / MODEL


@dataclass(frozen=True)
class Registry:
    """The packages below one folder."""

    root: Path

    def register(
        self,
        group: str,
        model: Path,
        *,
        status: str,
        run: str,
        step: str,
        metrics: Path | None = None,
        folders: Mapping[str, Path] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Package:
        """Add a package under the next version number.

        The same step of the same run registers the same model once: after a kill it is found again.

        Parameters
        ----------
        group, status : str
            The status is one of `STATUSES`.
        model : Path
            The `model.tar.gz`.
        run, step : str
            Who registers it.
        metrics : Path, optional
            Its `metrics.json`.
        folders : mapping of str to Path, optional
            What is kept with it, by name.
        facts : mapping, optional
            What else belongs into `package.json`.

        Raises
        ------
        BadInput
            If group or status is no name of one, the model is not there, or a folder holds a link.
        """
        _check(group, status)
        kept = dict(folders or {})
        content = {
            **(facts or {}),
            **{"format": 1, "group": group, "run": run, "step": step, "model": record_file(model)},
            "metrics": record_file(metrics) if metrics else None,
            FOLDERS: {name: record_folder(folder) for name, folder in kept.items()},
        }
        files = {MODEL: model} | ({METRICS: metrics} if metrics else {})
        for name, folder in kept.items():
            files |= {f"{name}/{file}": folder / file for file in content[FOLDERS][name]}
        with locked(self.root / group / ".lock", wait=True, what=f"package group {group}"):
            return self._known(group, content) or self._add(group, files, content, status)

    def _known(self, group: str, content: Mapping[str, Any]) -> Package | None:
        """Return the package of a registration that was done before."""
        packages = self.list_packages(group)
        return next((p for p in packages if all(p.facts.get(k) == content[k] for k in _IDENTITY)), None)

    def _add(self, group: str, files: Mapping[str, Path], content: dict[str, Any], status: str) -> Package:
        version = max(self.versions(group), default=0) + 1
        content |= {"version": version, "created": now()}
        first = {"status": status, "at": now(), "by": f"pipeline step {content['step']}", "reason": ""}
        sweep(self.root / group)
        with in_one_piece(self.root / group / str(version)) as scratch:
            for name, file in files.items():
                link_file(file, scratch / name)
            write_json_atomic(scratch / PACKAGE, content | {"digest": digest_json(content)})
            write_json_atomic(scratch / STATUS, [first])
        return self.package(group, version)

    def package(self, group: str, version: int) -> Package:
        """Return one package.

        Raises
        ------
        BadInput
            If there is no such version, or its files cannot be read.
        """
        folder = self.root / group / str(version)
        if not (folder / PACKAGE).is_file():
            there = ", ".join(map(str, self.versions(group))) or "none"
            raise BadInput(f"package {group}/{version}", "it does not exist", f"versions there are: {there}")
        return Package(group, version, folder, _facts(folder / PACKAGE), _history(folder / STATUS))

    def list_packages(self, group: str) -> list[Package]:
        """Return the packages of a group, the oldest first; none if there is no such group."""
        return [self.package(group, version) for version in self.versions(group)]

    def versions(self, group: str) -> list[int]:
        """Return the version numbers of a group, the oldest first."""
        return sorted(int(path.name) for path in (self.root / group).glob("[0-9]*") if path.is_dir())

    def groups(self) -> list[str]:
        """Return the names of all groups."""
        return sorted(path.name for path in self.root.glob("*") if path.is_dir())

    def latest(self, group: str, status: str | None = None) -> Package | None:
        """Return the newest package of a group, of those with that status if one is given."""
        if status is not None:
            _check(group, status)
        packages = [p for p in self.list_packages(group) if status in (None, p.status)]
        return packages[-1] if packages else None

    def set_status(self, group: str, version: int, status: str, *, by: str, reason: str = "") -> Package:
        """Change a package's approval status; what it was before stays in its history.

        Raises
        ------
        BadInput
            If there is no such package or status.
        """
        _check(group, status)
        with locked(self.root / group / ".lock", wait=True, what=f"package group {group}"):
            package = self.package(group, version)
            entry = {"status": status, "at": now(), "by": by, "reason": reason}
            write_json_atomic(package.folder / STATUS, [*package.history, entry])
        return self.package(group, version)

    def verify_package(self, group: str, version: int) -> list[str]:
        """Return what is wrong with a package's files, one sentence each; nothing if all is well."""
        try:
            package = self.package(group, version)
        except BoomerangError as error:
            return [str(error).replace("\n", " ")]
        return verify_files(package.folder)

    def check_package(self, package: Package) -> None:
        """Raise IntegrityError if a package's files are not what was registered."""
        if wrong := self.verify_package(package.group, package.version):
            why, do = "; ".join(wrong), "register the model again, and reject this version"
            raise IntegrityError(f"package {package.name} is not what was registered", why, do)


def _facts(file: Path) -> dict[str, Any]:
    content = load_json(file)
    if not isinstance(content, dict):
        raise BadInput(f"{file}", "it is no record of a package", _RESTORE)
    return content


def _history(file: Path) -> tuple[dict[str, str], ...]:
    content = load_json(file)
    if not (isinstance(content, list) and content and all(map(_is_decision, content))):
        why = f"it is no history of a status: a list of {', '.join(_DECISION)}, each a text"
        raise BadInput(f"{file}", why, _RESTORE)
    return tuple(content)


def _is_decision(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in _DECISION)


def _check(group: str, status: str) -> None:
    if not _GROUP.fullmatch(group):
        raise BadInput(
            f"package group '{group}'", "that is no name", "use letters, digits and hyphens, at most 63"
        )
    if status not in STATUSES:
        raise BadInput(f"approval status '{status}'", nearest(status, STATUSES))
