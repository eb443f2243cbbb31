"""The local model registry: a folder for each version of a model package group, readable as files.

    <root>/<group>/<version>/package.json    what was registered and where it came from; never changed
                             model.tar.gz    a hard link to the model
                             metrics.json    what was measured on it
                             canaries/       hard links to what its canary asks it about,
                             probes/         so that it can when the run is gone
                             signature.json  once somebody has signed it (`boomerang.signing`)
                             status.json     the approval status, with its history
                             status.signature.json  of that, where who decided has signed it

A version is a number that is given once. It stands for the model package of SageMaker's registry. What is
damaged or no version is named on stderr, and passed over where it is not asked for itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json
from boomerang.errors import BadInput, BoomerangError, IntegrityError, UsageError, nearest
from boomerang.formats.package import STATUS_SIGNATURE
from boomerang.safeio import display_name, in_one_piece, sweep, write_json_atomic
from pipelines.registry.package_files import (
    FOLDERS,
    METRICS,
    MODEL,
    PACKAGE,
    STATUS,
    STATUSES,
    History,
    read_facts,
    read_history,
    record_file,
    record_folder,
    verify_files,
)
from pipelines.runs.locking import locked
from pipelines.runs.records import now
from pipelines.runs.storage import link_file

# What is compared to know a registration that was done before.
_IDENTITY = ("run", "step", "model", "metrics", FOLDERS)
# As the stack's parameter PackageGroup.
_GROUP = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


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
        The content of `package.json`: `created`, `run`, `order` (digests of the run's definition, config
        and parameters), `step`, `registered` (the first entry of its history), `model` and `metrics`
        (digests and sizes), `folders` (the same of each file in what is kept with it, by the folder's name),
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
    history: History

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
        first = {"status": status, "at": now(), "by": f"pipeline step {content['step']}", "reason": ""}
        content |= {"version": version, "created": first["at"], "registered": first}
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
            If there is no such version, its files cannot be read, or it is the package of another.
        """
        folder = self.root / group / str(version)
        if not (folder / PACKAGE).is_file():
            there = ", ".join(map(str, self.versions(group))) or "none"
            raise BadInput(f"package {group}/{version}", "it does not exist", f"versions there are: {there}")
        facts = read_facts(folder)
        if (facts.get("group"), facts.get("version")) != (group, version):
            other = display_name(f"{facts.get('group')}/{facts.get('version')}")
            why = f"what lies there is package {other}"
            raise BadInput(f"package {group}/{version}", why, "take it away")
        return Package(group, version, folder, facts, read_history(folder, facts))

    def list_packages(self, group: str) -> list[Package]:
        """Return the packages of a group, the oldest first; none if there is no such group.

        What is damaged is named and passed over.
        """
        found = []
        for version in self.versions(group):
            try:
                found.append(self.package(group, version))
            except BoomerangError as error:
                _pass_over(self.root / group, f"package {group}/{version}", error.why)
        for name in self.foreign(group):
            _pass_over(self.root / group, f"registry/{group}/{display_name(name)}", "it is no version")
        return found

    def all_packages(self) -> Iterator[Package]:
        """Give the packages of all groups."""
        for group in self.groups():
            yield from self.list_packages(group)

    def versions(self, group: str) -> list[int]:
        """Return the version numbers of a group, the oldest first, whether or not they can be read."""
        return sorted(int(path.name) for path in (self.root / group).glob("[1-9]*") if _is_version(path))

    def foreign(self, group: str) -> list[str]:
        """Return the names of what lies among the versions of a group and is none."""
        found = (path for path in (self.root / group).glob("[!.]*") if not _is_version(path))
        return sorted(path.name for path in found)

    def groups(self) -> list[str]:
        """Return the names of all groups."""
        return sorted(p.name for p in self.root.glob("*") if p.is_dir() and _GROUP.fullmatch(p.name))

    def only_group(self) -> str:
        """Return the one group that there is.

        Raises
        ------
        UsageError
            If there is none, or more than one, which are named.
        """
        groups = self.groups()
        if len(groups) != 1:
            why = f"there are {len(groups)}: {', '.join(groups)}" if groups else "no model is registered yet"
            do = "say which is meant: --group NAME" if groups else "python -m pipelines run"
            raise UsageError("model package group", why, do)
        return groups[0]

    def latest(self, group: str, status: str | None = None) -> Package | None:
        """Return the newest package of a group, of those with that status if one is given."""
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
            # A signature of what was decided before is none of what is decided now.
            (package.folder / STATUS_SIGNATURE).unlink(missing_ok=True)
            write_json_atomic(package.folder / STATUS, [*package.history, entry])
        return self.package(group, version)

    def verify_package(self, group: str, version: int) -> list[str]:
        """Return what is wrong with a package's files, one sentence each; nothing if all is well."""
        try:
            package = self.package(group, version)
        except BoomerangError as error:
            wrong = verify_files(self.root / group / str(version)) if self._is_there(group, version) else []
            return wrong or [str(error).replace("\n", " ")]
        return verify_files(package.folder)

    def _is_there(self, group: str, version: int) -> bool:
        return (self.root / group / str(version) / PACKAGE).is_file()

    def check_package(self, package: Package) -> None:
        """Raise IntegrityError if a package's files are not what was registered."""
        if wrong := self.verify_package(package.group, package.version):
            why, do = "; ".join(wrong), "register the model again, and reject this version"
            raise IntegrityError(f"package {package.name} is not what was registered", why, do)


def _is_version(path: Path) -> bool:
    return _VERSION.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


@cache
def _pass_over(_: Path, what: str, why: str) -> None:
    """Name what is passed over; once, however often it is looked at."""
    print(f"{what} is passed over: {why}", file=sys.stderr, flush=True)


def check_group(group: str) -> None:
    """Raise BadInput if a group cannot have this name."""
    if not _GROUP.fullmatch(group):
        raise BadInput(
            f"package group '{display_name(group)}'",
            "that is no name",
            "use small letters, digits and hyphens, at most 63",
        )


def _check(group: str, status: str | None) -> None:
    check_group(group)
    if status is not None and status not in STATUSES:
        raise BadInput(f"approval status '{status}'", nearest(status, STATUSES))
