"""Signed runs on this machine: what a key file signs, and all of it verified offline with the public key."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.formats.model import ARCHIVE
from boomerang.formats.package import PACKAGE_FILE, STATUS_FILE, STATUS_SIGNATURE
from boomerang.manifest import MANIFEST, read_manifest
from boomerang.safeio import safe_join
from boomerang.signing import (
    SIGNATURE,
    LocalSigner,
    Predicate,
    PublicKey,
    Statement,
    read_statement,
    sign_file,
    sign_folder,
    trace,
    verify_signed,
    verify_signed_file,
)
from pipelines.campaign.site import LOCAL_KEY, Signing
from pipelines.registry.local import Package, Registry
from pipelines.runs.held import hold_run
from pipelines.runs.records import EXECUTION, Execution, OutputRecord, StepRecord, load_execution

MODEL, PACKAGE, STATUS, RUN = "model", "package", "status", "run"
# What a copy of a bucket has to have signed of itself, as the last of its signing jobs leaves it.
_MUST = (MODEL, EVALUATION)


def signing_with(key: Path) -> Signing:
    """Return what a definition says of a key file of this machine: its public half and nothing else.

    Raises
    ------
    BadInput
        If it is no private key, or others can read it.
    """
    der = LocalSigner.open(key).public_key_der
    return Signing(LOCAL_KEY, base64.b64encode(der).decode())


def sign_package(package: Package, key: Path) -> None:
    """Sign a package of the local registry: the model and all that its canary needs."""
    if not (package.folder / SIGNATURE).exists():
        sign_folder(package.folder, LocalSigner.open(key), name=package.name)


def sign_run(execution: Execution, key: Path) -> None:
    """Sign the record of a run that has ended, and with it the digest of every file that it names."""
    file = execution.run_dir / EXECUTION
    signer = LocalSigner.open(key)
    sign_file(file, signer, execution.run_dir / SIGNATURE, kind=RUN, name=execution.run_id)


def sign_status(package: Package, key: Path) -> None:
    """Sign what was decided on a package, up to its last decision."""
    predicate = Predicate(parents={PACKAGE: sha256_file(package.folder / PACKAGE_FILE)})
    sign_file(
        package.folder / STATUS_FILE,
        LocalSigner.open(key),
        package.folder / STATUS_SIGNATURE,
        kind=STATUS,
        name=package.name,
        predicate=predicate,
    )


def verify_package(package: Package, keys: Sequence[PublicKey]) -> Statement:
    """Hold a package against its signature; raises IntegrityError if it is not what was signed."""
    statement = verify_signed(package.folder, keys, kind=PACKAGE)
    if statement.name != package.name:
        raise IntegrityError(f"package {package.name}", f"it was signed as {statement}", "take it away")
    return statement


def verify_status(package: Package, keys: Sequence[PublicKey]) -> None:
    """Hold what was decided on a package, since it was registered, against the signature of who decided.

    Raises
    ------
    IntegrityError
        If nobody who is trusted has signed it.
    """
    if len(package.history) == 1:
        return  # as it was registered, which the package's own signature covers
    what, signature = f"package {package.name}", package.folder / STATUS_SIGNATURE
    if not signature.exists():
        why = f"nobody has signed that it is {package.status}"
        do = f"decide again: python -m pipelines approve {package.name} --sign KEY (or reject)"
        raise IntegrityError(what, why, do)
    said = verify_signed_file(package.folder / STATUS_FILE, keys, kind=STATUS, signature=signature)
    if said.predicate.parents != {PACKAGE: sha256_file(package.folder / PACKAGE_FILE)}:
        raise IntegrityError(what, f"{signature.name} is of another package", "decide on it again")


@dataclass(frozen=True)
class Signed:
    """What the signatures of a run say.

    Attributes
    ----------
    statements : tuple of Statement
        Of everything that was signed, in the order of the run.
    lineages : mapping of name to tuple of Statement
        Of each model and package: itself and all that it came from, back to what came from outside.
    """

    statements: tuple[Statement, ...]
    lineages: dict[str, tuple[Statement, ...]]


def verify_signatures(folder: Path, keys: Sequence[PublicKey]) -> Signed:
    """Hold everything that must be signed against its signature, and follow each model to its origin.

    What must be is said by the record of a run, which is signed itself: what was taken out of one is missed.

    Parameters
    ----------
    folder : Path
        Of a run on this machine; a workspace, with all its runs and packages; or a copy of a run's prefix in
        the bucket, without any record: there what a signature is of is found by its content, and every
        model must have one.
    keys : sequence of PublicKey
        Those that are trusted. No network is needed, and no other file than those of the folder, and the
        registry beside a run.

    Raises
    ------
    BadInput
        If nothing in it was signed.
    IntegrityError
        If something is not there, or not, to the byte, what was signed with one of the keys, or a model's
        lineage has a gap.
    """
    if (folder / EXECUTION).is_file():
        return verify_run(folder, keys)
    runs = sorted(file.parent for file in folder.glob(f"*/{EXECUTION}"))
    registry = Registry(folder / "registry")
    if not runs and not registry.groups():
        return _traced(folder, tuple(_found(folder, keys)))
    signed = [verify_run(run, keys) for run in runs]
    known = {statement.digest for each in signed for statement in each.statements}
    packages = [registry.package(group, v) for group in registry.groups() for v in registry.versions(group)]
    # One whose run is gone is known by its own signature alone.
    alone = [s for s in (_whole_package(package, keys) for package in packages) if s.digest not in known]
    lineages = {
        f"{run.name}: {name}": line
        for run, each in zip(runs, signed, strict=True)
        for name, line in each.lineages.items()
    }
    statements = [statement for each in signed for statement in each.statements]
    return Signed((*statements, *alone), lineages | {each.name: (each,) for each in alone})


def _traced(folder: Path, statements: tuple[Statement, ...]) -> Signed:
    if not statements:
        do = "run it with --sign KEY.pem, or leave out --key"
        raise BadInput(f"{folder}", "nothing in it was signed", do)
    heads = {each.name: each for each in statements if each.kind in (MODEL, PACKAGE)}
    return Signed(statements, {name: trace(head, statements) for name, head in heads.items()})


def verify_run(folder: Path, keys: Sequence[PublicKey], *, registered: bool = True) -> Signed:
    """Hold the record of a run, and all that it says was signed, against the signatures.

    Parameters
    ----------
    folder : Path
    keys : sequence of PublicKey
    registered : bool
        Its packages too, and what was decided on them.

    Raises
    ------
    BadInput, IntegrityError
        As `verify_signatures` does.
    """
    record = verify_signed_file(folder / EXECUTION, keys, kind=RUN, signature=folder / SIGNATURE)
    if (problem := next(hold_run(folder), None)) is not None:
        do = "take it from where it was signed"
        raise IntegrityError(f"{folder}", f"{problem.path}: {problem.what}", do)
    execution = load_execution(folder)
    if record.name != execution.run_id:
        raise IntegrityError(f"{folder}", f"it was signed as {record}", "take it from where it was signed")
    packages = _packages(execution, keys) if registered else ()
    statements = (*_verified(execution, keys), *packages)
    signed = _traced(folder, statements)
    return Signed((*statements, record), signed.lineages)


def _found(folder: Path, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    """Verify every signature below a folder, of whatever below it has the signed digest.

    Every model must have one, and the last of all that is signed be there: the evaluation.
    """
    things, signed = dict(_things(folder)), set[str]()
    kinds = set[str]()
    for file in sorted(folder.rglob(SIGNATURE)):
        statement = read_statement(file, keys)
        if statement.digest not in things:
            why = f"nothing below {folder} is what was signed: it was changed, or not fetched"
            raise IntegrityError(str(statement), why, "fetch the whole run again")
        signed.add(statement.digest)
        kinds.add(statement.kind)
        yield _hold(things[statement.digest], file, keys)
    unsigned = [place for digest, place in things.items() if place.name == ARCHIVE and digest not in signed]
    if unsigned and signed:
        raise IntegrityError(f"{unsigned[0]}", "nobody has signed this model", "fetch the whole run again")
    if signed and (absent := [kind for kind in _MUST if kind not in kinds]):
        why = f"no {' and no '.join(absent)} in it is signed: its run stopped before, or it is not whole"
        raise IntegrityError(f"{folder}", why, "fetch the whole run again")


def _things(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield whatever can be signed below a folder, by the digest that names it."""
    for file in sorted(folder.rglob(MANIFEST)):
        with suppress(IntegrityError):  # of no committed folder, or a changed one
            yield read_manifest(file.parent).digest, file.parent
    for file in sorted(folder.rglob(ARCHIVE)):
        yield sha256_file(file), file


def _verified(execution: Execution, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    for step in execution.steps:
        for name, output in step.outputs.items():
            signatures = [file for file in output.files if PurePosixPath(file).name == SIGNATURE]
            if signatures and len(signatures) == len(output.files):
                source = _source(execution, step, name)
                for file in signatures:
                    path = safe_join(safe_join(execution.run_dir, output.path), file)
                    yield _hold(source / PurePosixPath(file).parent, path, keys)


def _packages(execution: Execution, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    """Verify the packages that the run has registered; only where no registry lies beside it, none is."""
    registry = Registry(execution.run_dir.resolve().parent / "registry")
    for step in execution.steps:
        if step.package and registry.root.is_dir():
            group, _, version = step.package["name"].rpartition("/")
            package = registry.package(group, int(version))
            if package.facts["digest"] != step.package["digest"]:
                why = f"it is not what run {execution.run_id} has registered"
                raise IntegrityError(f"package {package.name}", why, "run the campaign again")
            yield _whole_package(package, keys)


def _whole_package(package: Package, keys: Sequence[PublicKey]) -> Statement:
    statement = verify_package(package, keys)
    verify_status(package, keys)
    return statement


def _source(execution: Execution, step: StepRecord, name: str) -> Path:
    """Return what a signing step was given under a name."""
    uri = step.inputs.get(name, {}).get("uri", "")
    made = (output for other in execution.steps for output in other.outputs.values())
    found: OutputRecord | None = next((output for output in made if output.uri == uri), None)
    if found is None:
        raise IntegrityError(f"{step.name}: '{name}'", "the run does not say what was signed", "run it again")
    return safe_join(execution.run_dir, found.path)


def _hold(source: Path, signature: Path, keys: Sequence[PublicKey]) -> Statement:
    """Hold a folder, or a packed model alone, against its signature."""
    if source.is_dir():
        return verify_signed(source, keys, signature=signature)
    # A model lies beside other files of its job, which were not signed with it.
    return verify_signed_file(source, keys, kind=MODEL, signature=signature)
