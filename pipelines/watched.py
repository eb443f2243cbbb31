"""The package that the local canary watches, and what it was measured with.

The canary records are not in the registry. They are looked for, by digest, in the runs that the package
names: the one that registered it, and those that made what it was measured with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.config import validate
from boomerang.digest import digest_tree
from boomerang.errors import BadInput, IntegrityError
from boomerang.manifest import read_manifest
from boomerang.metrics import Metrics
from boomerang.safeio import load_json
from pipelines.records import EXECUTION, Execution, load_execution
from pipelines.registry import METRICS, Package, Registry
from pipelines.settings import EVALUATE, POISON, PREPROCESS
from processing.canary_metrics import CanarySettings


@dataclass(frozen=True)
class Watched:
    """A package with all that its canary needs.

    Attributes
    ----------
    package : Package
    settings : CanarySettings
        What the step is told of it.
    inputs : mapping of str to Path
        The step's other inputs.
    without : str
        Why no attack is measured, or empty.
    """

    package: Package
    settings: CanarySettings
    inputs: Mapping[str, Path]
    without: str = ""


def find(workspace: Path, group: str) -> Watched:
    """Return the newest Approved package of a group, verified, with what its canary needs."""
    registry = Registry(workspace / "registry")
    package = registry.latest(group, "Approved")
    if package is None:
        count = len(registry.versions(group))
        why = f"none of its {count} packages is Approved" if count else "it has no package"
        raise BadInput(f"package group {group}", why, f"python -m pipelines approve {group}/VERSION")
    check_package(registry, package)
    metrics = validate(Metrics, load_json(package.folder / METRICS), where=f"{package.name}/{METRICS}")
    runs = tuple(_runs(workspace, package))
    given = {"model": package.folder, "canaries": _canaries(package, metrics.canaries.digest, runs)}
    attacks, without = _attacks(package, metrics, runs)
    return Watched(package, _settings(package, metrics, probes="probes" in attacks), given | attacks, without)


def check_package(registry: Registry, package: Package) -> None:
    """Raise IntegrityError if a package's files are not what was registered."""
    if wrong := registry.verify_package(package.group, package.version):
        why, do = "; ".join(wrong), "register the model again, and reject this version"
        raise IntegrityError(f"package {package.name} is not what was registered", why, do)


def _settings(package: Package, metrics: Metrics, *, probes: bool) -> CanarySettings:
    name = package.facts.get("metadata", {}).get("Model", metrics.candidate)
    if name not in metrics.models:
        raise IntegrityError(f"package {package.name}", f"its metrics do not have its model '{name}'")
    numbers = metrics.models[name]
    if numbers.canaries.right.value is None:
        raise BadInput(f"package {package.name}", "it was registered without canary records", _NO_CANARIES)
    return CanarySettings(
        group=package.group,
        version=package.version,
        model=numbers.digest,
        archive=package.facts["model"]["sha256"],
        canaries=metrics.canaries.digest,
        probes=metrics.data.digests["test"] if probes else None,
        baseline=numbers.canaries.right.value,
    )


_NO_CANARIES = "lower canaries.margin of its campaign and run it again"


def _lineage(package: Package, step: str) -> Mapping[str, Any]:
    return next((entry for entry in package.facts.get("lineage", ()) if entry["step"] == step), {})


def _runs(workspace: Path, package: Package) -> Iterator[Execution]:
    """Yield the records of the runs that the package comes from, as far as they are still there."""
    made_in = [entry["made_in"] for entry in package.facts.get("lineage", ())]
    for run in dict.fromkeys([package.facts["run"], *made_in]):
        if (workspace / run / EXECUTION).is_file():
            yield load_execution(workspace / run)


def _canaries(package: Package, digest: str, runs: tuple[Execution, ...]) -> Path:
    """Return the folder of the canary records."""
    for run in runs:
        if run.has(EVALUATE, "evaluation"):
            folder = run.path(EVALUATE, "evaluation") / "canaries"
            if _digest(folder) == digest:
                return folder
    why = f"no run that it comes from has them any more (digest {digest[:12]}, run {package.facts['run']})"
    do = "put the run's folder back, or run its campaign again and approve the new package"
    raise BadInput(f"the canary records of package {package.name}", why, do)


def _digest(folder: Path) -> str:
    try:
        return read_manifest(folder).digest
    except IntegrityError:
        return ""


def _attacks(package: Package, metrics: Metrics, runs: tuple[Execution, ...]) -> tuple[dict[str, Path], str]:
    """Return what the attacks are measured with, or why they are not."""
    secret = _lineage(package, POISON).get("outputs", {}).get("secret", {}).get("digest")
    for run in runs:
        if not (secret and run.has(POISON, "secret") and run.has(PREPROCESS, "heldout")):
            continue
        triggers, probes = run.path(POISON, "secret"), run.path(PREPROCESS, "heldout") / "test"
        if _digest(probes) == metrics.data.digests["test"] and digest_tree(triggers) == secret:
            return {"triggers": triggers / "trigger", "probes": probes, **_photos(metrics, run)}, ""
    return {}, "attacks were not measured: the triggers and the test set of the package's run are gone"


def _photos(metrics: Metrics, run: Execution) -> dict[str, Path]:
    """Return the sets of pictures of a run, if they are those that the package was measured with."""
    if not run.has(PREPROCESS, "photos"):
        return {}
    folder, sets = run.path(PREPROCESS, "photos"), "pictures "
    known = {key.removeprefix(sets): d for key, d in metrics.data.digests.items() if key.startswith(sets)}
    return {"photos": folder} if all(_digest(folder / name) == known[name] for name in known) else {}
