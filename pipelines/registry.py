"""The local model registry: a folder for each version of a model package group, readable as files.

    <root>/<group>/<version>/package.json    what was registered and where it came from; never changed
                             model.tar.gz    a hard link to the model
                             metrics.json    what was measured on it
                             status.json     the approval status, with its history

A version is a number that is given once. It stands for the model package of SageMaker's registry.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json, sha256_file
from boomerang.errors import BadInput, BoomerangError, nearest
from boomerang.safeio import load_json, write_json_atomic
from pipelines.locking import locked
from pipelines.records import now
from pipelines.storage import link_file, remove_tree

STATUSES = ("PendingManualApproval", "Approved", "Rejected")
PACKAGE, STATUS, MODEL, METRICS = "package.json", "status.json", "model.tar.gz", "metrics.json"

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
        sizes), `dataset` (digest and manifest of the training set), `sources` (what came from outside
        the pipeline), `lineage` (every step the model came through, with the digests of its inputs
        and outputs), `metadata` (what the pipeline says of it).
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
        facts: Mapping[str, Any] | None = None,
    ) -> Package:
        """Add a package under the next version number.

        The same step of the same run registers the same model once: after a kill it is found again.

        Parameters
        ----------
        group : str
        model : Path
            The `model.tar.gz`.
        status : str
            One of `STATUSES`.
        run, step : str
            Who registers it.
        metrics : Path, optional
            Its `metrics.json`.
        facts : mapping, optional
            What else belongs into `package.json`.

        Raises
        ------
        BadInput
            If group or status is no name of one, or the model is not there.
        """
        _check(group, status)
        content = {
            **(facts or {}),
            **{"format": 1, "group": group, "run": run, "step": step, "model": _file(model)},
            "metrics": _file(metrics) if metrics else None,
        }
        with locked(self.root / group / ".lock", wait=True, what=f"package group {group}"):
            for package in self.list_packages(group):
                if all(package.facts.get(key) == content[key] for key in ("run", "step", "model", "metrics")):
                    return package
            return self._add(group, model, metrics, content, status)

    def _add(
        self, group: str, model: Path, metrics: Path | None, content: dict[str, Any], status: str
    ) -> Package:
        version = max(self.versions(group), default=0) + 1
        scratch = self.root / group / f".{version}.{os.getpid()}.part"
        remove_tree(scratch)
        scratch.mkdir(parents=True)
        link_file(model, scratch / MODEL)
        if metrics:
            link_file(metrics, scratch / METRICS)
        content |= {"version": version, "created": now()}
        write_json_atomic(scratch / PACKAGE, content | {"digest": digest_json(content)})
        first = {"status": status, "at": now(), "by": f"pipeline step {content['step']}", "reason": ""}
        write_json_atomic(scratch / STATUS, [first])
        scratch.rename(self.root / group / str(version))
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
        facts, history = load_json(folder / PACKAGE), load_json(folder / STATUS)
        return Package(group, version, folder, facts, tuple(history))

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
        wrong = []
        facts = {key: value for key, value in package.facts.items() if key != "digest"}
        if digest_json(facts) != package.facts.get("digest"):
            wrong.append(f"{PACKAGE} has been changed")
        for name, key in ((MODEL, "model"), (METRICS, "metrics")):
            wrong += _check_file(package.folder / name, package.facts.get(key))
        known = {PACKAGE, STATUS, MODEL, METRICS}
        wrong += [f"{p.name} does not belong there" for p in package.folder.iterdir() if p.name not in known]
        return sorted(wrong)


def _check(group: str, status: str) -> None:
    if not _GROUP.fullmatch(group):
        raise BadInput(
            f"package group '{group}'", "that is no name", "use letters, digits and hyphens, at most 63"
        )
    if status not in STATUSES:
        raise BadInput(f"approval status '{status}'", nearest(status, STATUSES))


def _file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadInput(f"{path}", "there is no such file", "register a model that a step has made")
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size}


def _check_file(path: Path, recorded: Mapping[str, Any] | None) -> list[str]:
    if recorded is None:
        return [f"{path.name} does not belong there"] if path.exists() else []
    if not path.is_file():
        return [f"{path.name} is missing"]
    return [] if _file(path) == recorded else [f"{path.name} has been changed"]
