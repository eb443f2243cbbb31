"""Signed runs on this machine: what a key file signs, and all of it verified offline with the public key."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.model import ARCHIVE
from boomerang.manifest import MANIFEST, read_manifest
from boomerang.signing import (
    SIGNATURE,
    LocalSigner,
    PublicKey,
    Statement,
    read_statement,
    sign_folder,
    trace,
    verify_signed,
)
from pipelines.campaign.site import LOCAL_KEY, Signing
from pipelines.registry.local import Package, Registry
from pipelines.runs.records import EXECUTION, Execution, OutputRecord, StepRecord, load_execution
from pipelines.runs.storage import link_file

MODEL, PACKAGE = "model", "package"


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


def verify_package(package: Package, key: PublicKey) -> Statement:
    """Hold a package against its signature; raises IntegrityError if it is not what was signed."""
    return verify_signed(package.folder, [key], kind=PACKAGE)


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
    """Hold everything that a run has signed against its signature, and follow each model to its origin.

    Parameters
    ----------
    folder : Path
        Of a run on this machine; or a copy of a run's prefix in the bucket, without any record: there what
        a signature is of is found by its content.
    keys : sequence of PublicKey
        Those that are trusted. No network is needed, and no other file than the run's.

    Raises
    ------
    BadInput
        If nothing in it was signed.
    IntegrityError
        If something is not there, or not, to the byte, what was signed with one of the keys, or a model's
        lineage has a gap.
    """
    if (folder / EXECUTION).is_file():
        execution = load_execution(folder)
        statements = (*_verified(execution, keys), *_packages(execution, keys))
    else:
        statements = tuple(_found(folder, keys))
    if not statements:
        do = "run it with --sign KEY.pem, or leave out --key"
        raise BadInput(f"{folder}", "nothing in it was signed", do)
    heads = {each.name: each for each in statements if each.kind in (MODEL, PACKAGE)}
    lineages = {name: trace(head, statements) for name, head in heads.items()}
    return Signed(statements, lineages)


def _found(folder: Path, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    """Verify every signature below a folder, of whatever below it has the signed digest."""
    things = dict(_things(folder))
    for file in sorted(folder.rglob(SIGNATURE)):
        statement = read_statement(file, keys)
        if statement.digest not in things:
            why = f"nothing below {folder} is what was signed: it was changed, or not fetched"
            raise IntegrityError(str(statement), why, "fetch the whole run again")
        yield _hold(things[statement.digest], file, keys, folder)


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
                    path = execution.run_dir / output.path / file
                    yield _hold(source / PurePosixPath(file).parent, path, keys, execution.run_dir)


def _packages(execution: Execution, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    """Verify the packages that the run has registered, as far as they are in the registry beside it."""
    registry = Registry(execution.run_dir.parent / "registry")
    for step in execution.steps:
        if step.type == "RegisterModel" and step.status == "Succeeded":
            group, _, version = step.detail.partition(",")[0].rpartition("/")
            if int(version) in registry.versions(group):
                yield verify_signed(registry.package(group, int(version)).folder, keys, kind=PACKAGE)


def _source(execution: Execution, step: StepRecord, name: str) -> Path:
    """Return what a signing step was given under a name."""
    uri = step.inputs.get(name, {}).get("uri", "")
    made = (output for other in execution.steps for output in other.outputs.values())
    found: OutputRecord | None = next((output for output in made if output.uri == uri), None)
    if found is None:
        raise IntegrityError(f"{step.name}: '{name}'", "the run does not say what was signed", "run it again")
    return execution.run_dir / found.path


def _hold(source: Path, signature: Path, keys: Sequence[PublicKey], scratch_in: Path) -> Statement:
    """Hold a folder, or a packed model alone, against its signature."""
    if source.is_dir():
        return verify_signed(source, keys, signature=signature)
    # A model lies beside other files of its job, which were not signed with it.
    with tempfile.TemporaryDirectory(dir=scratch_in, prefix=".verify.") as scratch:
        link_file(source, Path(scratch) / source.name)
        return verify_signed(Path(scratch), keys, kind=MODEL, signature=signature)
