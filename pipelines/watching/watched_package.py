"""The package that the local canary watches, and what it was registered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boomerang.config import validate
from boomerang.errors import BadInput
from boomerang.formats.evaluation import CANARIES
from boomerang.formats.probes import PROBES
from boomerang.metrics import Metrics
from boomerang.safeio import load_json
from boomerang.signing import PublicKey
from boomerang.watching.briefing import CanarySettings, settings_of
from pipelines.registry.local import Package, Registry
from pipelines.registry.package_files import METRICS
from pipelines.registry.signatures import verify_package, verify_status


@dataclass(frozen=True)
class Watched:
    """A package with all that its canary needs.

    Attributes
    ----------
    package : Package
    settings : CanarySettings
        What the step is told of it.
    inputs : mapping of str to Path
        The step's other inputs, all of them from the package's own folder.
    """

    package: Package
    settings: CanarySettings
    inputs: Mapping[str, Path]


def find(workspace: Path, group: str, keys: Sequence[PublicKey] = ()) -> Watched:
    """Return the newest Approved package of a group, verified, with what its canary needs.

    With keys, it has to be signed with one of them, and so has what was decided on it.

    Raises
    ------
    BadInput
        If no package is Approved, or it was registered without what a canary needs.
    IntegrityError
        If its files are not what was registered, or not what was signed.
    """
    registry = Registry(workspace / "registry")
    package = registry.latest(group, "Approved")
    if package is None:
        count, groups = len(registry.versions(group)), ", ".join(registry.groups()) or "none"
        why = (
            f"none of its {count} packages is Approved" if count else f"it has no package (groups: {groups})"
        )
        raise BadInput(f"package group {group}", why, f"python -m pipelines approve {group}/VERSION")
    registry.check_package(package)  # before any file of it is used
    if keys:
        verify_package(package, keys)
        verify_status(package, keys)
    return _watched(package)


def _watched(package: Package) -> Watched:
    metrics = validate(Metrics, load_json(package.folder / METRICS), where=f"{package.name}/{METRICS}")
    settings = settings_of(
        metrics,
        package.facts.get("metadata", {}).get("Model"),
        group=package.group,
        version=package.version,
        archive=package.facts["model"]["sha256"],
    )
    needed = [CANARIES, *([PROBES] if settings.probes else [])]
    if absent := [name for name in needed if name not in package.facts.get("folders", {})]:
        why = f"it was registered without its {' and '.join(absent)}"
        raise BadInput(f"package {package.name}", why, "run its campaign again and approve the new package")
    return Watched(package, settings, {"model": package.folder, **{n: package.folder / n for n in needed}})
