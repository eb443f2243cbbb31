"""What a person decides on a model package of the local registry: that it may be used, or may not.

The rules are those of `boomerang.watching.approval`; `aws.approval` does the same in SageMaker's registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from boomerang.safeio import load_json, sweep
from boomerang.signing import PublicKey
from boomerang.watching.approval import APPROVED, REJECTED, check_approval, check_rejection, package_name
from pipelines.registry.behind import check_behind
from pipelines.registry.local import Package, Registry
from pipelines.registry.package_files import METRICS
from pipelines.registry.signatures import sign_status, verify_package


def approve(
    registry: Registry,
    name: str,
    *,
    by: str,
    reason: str = "",
    override: bool = False,
    keys: Sequence[PublicKey] = (),
    signing_key: Path | None = None,
) -> Package:
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
    keys : sequence of PublicKey
        With any, the package and its run have to be signed with one of them.
    signing_key : Path, optional
        A private key that the decision is signed with, as a canary with a key asks for.

    Raises
    ------
    BadInput
        If there is no such package, or it was rejected before.
    IntegrityError
        If its files, or those of the run that it came from, are not what was registered, or signed.
    """
    package = _package(registry, name)
    registry.check_package(package)
    check_behind(package, keys)
    if keys:
        verify_package(package, keys)
    if package.status != APPROVED:
        check_approval(package.name, _rejection(package), reason=reason, override=override)
        package = _decide(registry, package, APPROVED, by, reason)
    return _signed(package, signing_key)


def _decide(registry: Registry, package: Package, status: str, by: str, reason: str) -> Package:
    return registry.set_status(package.group, package.version, status, by=by, reason=reason.strip())


def _signed(package: Package, key: Path | None) -> Package:
    if key is not None:
        sign_status(package, key)
    return package


def reject(
    registry: Registry, name: str, *, by: str, reason: str, signing_key: Path | None = None
) -> Package:
    """Reject a package; one that is Rejected already stays as it is.

    Raises
    ------
    UsageError
        If no reason is given.
    BadInput
        If there is no such package.
    """
    check_rejection(reason)
    package = _package(registry, name)
    if package.status != REJECTED:
        package = _decide(registry, package, REJECTED, by, reason)
    return _signed(package, signing_key)


def _package(registry: Registry, name: str) -> Package:
    package = registry.package(*package_name(name))
    sweep(package.folder)  # of a decision that was killed
    return package


def _rejection(package: Package) -> str:
    """Return who rejected a package, and why: the last time, if more than once; empty if nobody did."""
    for entry in reversed(package.history):
        if entry["status"] == REJECTED:
            why = entry["reason"] or _gate_reasons(package.folder / METRICS)
            return f"{entry['by']} rejected it" + (f": {why}" if why else "")
    return ""


def _gate_reasons(metrics: Path) -> str:
    """Return what the gate said; the pipeline's own entry in the history does not repeat it."""
    content = load_json(metrics) if metrics.is_file() else {}
    return str(content.get("reasons", "")) if isinstance(content, dict) else ""
