"""The run that a package came from, held before a person decides on the package."""

from __future__ import annotations

from collections.abc import Sequence

from boomerang.digest import digest_json
from boomerang.errors import BoomerangError, IntegrityError
from boomerang.safeio import load_json, safe_join
from boomerang.signing import PublicKey
from pipelines.registry.local import Package
from pipelines.registry.signatures import verify_run
from pipelines.runs.held import hold_run
from pipelines.runs.records import CONFIG, DEFINITION, load_execution


def check_behind(package: Package, keys: Sequence[PublicKey] = ()) -> None:
    """Hold the run of a package against its record, and the two against each other.

    What a person reads before they decide is the run's report. Where the run is gone there is none, and the
    package stands for itself.

    Parameters
    ----------
    package : Package
        Of the registry in the workspace of the run.
    keys : sequence of PublicKey
        With any, the run's record has to be signed with one of them.

    Raises
    ------
    IntegrityError
        If a file of the run is not what was recorded, the run has not ended, or it is not, or no longer, the
        run that registered the package.
    """
    run = str(package.facts.get("run", ""))
    try:
        run_dir = safe_join(package.folder.resolve().parents[2], run)
        if not run_dir.exists():
            return
        problems = list(hold_run(run_dir))
        why = f"{problems[0].path}: {problems[0].what}" if problems else _disagreement(package)
    except IntegrityError:
        raise
    except BoomerangError as error:
        why = f"{error.what}: {error.why}"
    if why:
        do = "restore it, or run the campaign again under another --id and decide on the new package"
        raise IntegrityError(f"run {run}, which registered {package.name}", why, do)
    if keys:
        verify_run(run_dir, keys, registered=False)


def _disagreement(package: Package) -> str:
    """Return in what a package and its run, each as it was recorded, disagree; nothing if in nothing."""
    run_dir = package.folder.resolve().parents[2] / package.facts["run"]
    execution = load_execution(run_dir)
    if not execution.has_ended:
        return "it has not ended: wait for it, or run it again with the same --id"
    registered = {"name": package.name, "digest": package.facts["digest"]}
    if all(step.package != registered for step in execution.steps):
        return "its record says nothing of this package: it was run again since"
    order = package.facts.get("order", {})
    for key, name in (("definition", DEFINITION), ("config", CONFIG)):
        if order.get(key) is not None and order[key] != digest_json(load_json(run_dir / name)):
            return f"{name} is not what it was when the package was registered"
    return ""
