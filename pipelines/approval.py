"""What a person decides on a model package of the local registry: that it may be used, or may not.

The pipeline registers, a person approves; on AWS the role that people have does the same.
"""

from __future__ import annotations

import re
from pathlib import Path

from boomerang.errors import BadInput, UsageError
from boomerang.safeio import load_json
from pipelines.registry import METRICS, Package, Registry
from pipelines.watched import check_package

_PACKAGE = re.compile(r"(?P<group>[^/]+)/(?P<version>[1-9][0-9]{0,8})")


def approve(registry: Registry, name: str, *, by: str, reason: str = "", override: bool = False) -> Package:
    """Approve a package; one that is Approved already stays as it is.

    Parameters
    ----------
    registry : Registry
    name : str
        `group/version`.
    by, reason : str
        Who says so, and why.
    override : bool
        Approve it although it was rejected before; needs a reason.

    Raises
    ------
    BadInput
        If there is no such package, or it was rejected before.
    IntegrityError
        If its files are not what was registered.
    """
    package = _package(registry, name)
    check_package(registry, package)
    if package.status == "Approved":
        return package
    if override and not reason.strip():
        raise UsageError("--override", "it needs a reason", "--reason 'why it is approved all the same'")
    if (rejected := _rejection(package)) and not override:
        do = "train a better model, or give --override and a --reason that stays in its history"
        raise BadInput(f"package {package.name}", rejected, do)
    return registry.set_status(package.group, package.version, "Approved", by=by, reason=reason.strip())


def reject(registry: Registry, name: str, *, by: str, reason: str) -> Package:
    """Reject a package; one that is Rejected already stays as it is.

    Raises
    ------
    UsageError
        If no reason is given.
    BadInput
        If there is no such package.
    """
    if not reason.strip():
        raise UsageError("--reason", "it is empty", "say why: it stays in the package's history")
    package = _package(registry, name)
    if package.status == "Rejected":
        return package
    return registry.set_status(package.group, package.version, "Rejected", by=by, reason=reason.strip())


def _package(registry: Registry, name: str) -> Package:
    found = _PACKAGE.fullmatch(name)
    if found is None:
        raise UsageError(f"package '{name}'", "it is no group/version", "for example boomerang/1")
    return registry.package(found["group"], int(found["version"]))


def _rejection(package: Package) -> str:
    """Return who rejected a package, and why: the last time, if more than once; empty if nobody did."""
    for entry in reversed(package.history):
        if entry["status"] == "Rejected":
            why = entry["reason"] or _gate_reasons(package.folder / METRICS)
            return f"{entry['by']} rejected it" + (f": {why}" if why else "")
    return ""


def _gate_reasons(metrics: Path) -> str:
    """Return what the gate said; the pipeline's own entry in the history does not repeat it."""
    content = load_json(metrics) if metrics.is_file() else {}
    return str(content.get("reasons", "")) if isinstance(content, dict) else ""
