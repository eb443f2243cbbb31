"""What a person decides on a model package of the local registry: that it may be used, or may not.

The rules are those of `boomerang.watching.approval`; `aws.approval` does the same in SageMaker's registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from boomerang.errors import IntegrityError
from boomerang.gate import Verdict
from boomerang.safeio import sweep
from boomerang.signing import LocalSigner, PublicKey
from boomerang.watching.approval import (
    APPROVED,
    REJECTED,
    check_approval,
    check_rejection,
    package_name,
    rejection,
    say_verdict,
)
from pipelines.registry.behind import check_behind
from pipelines.registry.local import Package, Registry
from pipelines.registry.package_files import METRICS
from pipelines.registry.signatures import sign_status, verify_package, verify_status
from pipelines.registry.verdict import metrics_of


def approve(
    registry: Registry,
    name: str,
    *,
    by: str,
    reason: str = "",
    override: bool = False,
    tell: Callable[[str], None] | None = None,
    keys: Sequence[PublicKey] = (),
    signing_key: Path | None = None,
) -> Package:
    """Approve a package; one that is Approved already stays as it is, with a key only if that is signed.

    What the gate said is read from what was registered, and not from the package's status alone.

    Parameters
    ----------
    registry : Registry
    name : str
        `group/version`.
    by, reason : str
        Who says so, and why.
    override : bool
        Approve it although it was rejected before; needs a reason.
    tell : callable, optional
        Told the data, the gate's numbers with their limits and the verdict, a line each, before.
    keys : sequence of PublicKey
        With any, the package and its run have to be signed with one of them.
    signing_key : Path, optional
        A private key that the decision is signed with, as a canary with a key asks for.

    Raises
    ------
    BadInput
        If there is no such package, or it was rejected before, by the gate too.
    IntegrityError
        If its files, or those of the run that it came from, are not what was registered, or signed.
    """
    package = _whole(registry, name, keys)
    if package.status != APPROVED or not _stands(package, keys, signing_key):
        metrics = metrics_of(package.folder / METRICS)
        if tell:
            for line in say_verdict(metrics):
                tell(line)
        check_approval(package.name, _rejection(package, metrics.verdict), reason=reason, override=override)
        package = _decide(registry, package, APPROVED, by, reason)
    return _signed(package, signing_key)


def _whole(registry: Registry, name: str, keys: Sequence[PublicKey]) -> Package:
    """Return a package that is, with the run behind it, what was registered, and signed if there are keys."""
    package = _package(registry, name)
    registry.check_package(package)
    check_behind(package, keys)
    if keys:
        verify_package(package, keys)
    return package


def _stands(package: Package, keys: Sequence[PublicKey], signing_key: Path | None) -> bool:
    """Whether an approval is as it was made; with a key, nothing that is not signed is taken on trust."""
    trusted = [*keys, *([LocalSigner.open(signing_key).public_key] if signing_key else [])]
    try:
        if trusted:
            verify_status(package, trusted)
    except IntegrityError:
        return False
    return True


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


def _rejection(package: Package, verdict: Verdict) -> str:
    """Return who rejected a package, and why: the last time, if more than once; empty if nobody did."""
    for entry in reversed(package.history):
        if entry["status"] == REJECTED and entry["reason"]:
            return f"{entry['by']} rejected it: {entry['reason']}"
        if entry["status"] == REJECTED:  # the pipeline's own entry does not repeat what the gate said
            return rejection(verdict) or f"{entry['by']} rejected it, and its metrics do not say why"
    return rejection(verdict)
