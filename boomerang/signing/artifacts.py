"""Signing what lies in a folder, and holding a folder against its signature.

    committed folder   manifest.json and the files it names; kind, digest and parents are the manifest's
    model              model.tar.gz, as a training job leaves it; kind `model`
    package            package.json and model.tar.gz, a version of the local registry; kind `package`

The signature covers every file of the folder. Beside it only a package's `status.json` is not covered:
the approval changes after the signature, and is not what the signer vouches for. Who decides may sign it
(`sign_file`); so is any other file signed that is no artifact by itself, as the record of a run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.model import ARCHIVE
from boomerang.formats.package import PACKAGE_FILE, STATUS_FILE, STATUS_SIGNATURE
from boomerang.manifest import MANIFEST, SIGNATURE, Manifest, read_manifest, verify_folder
from boomerang.safeio import display_name, write_bytes_atomic
from boomerang.signing.keys import PublicKey, Signer
from boomerang.signing.sealing import read_statement, seal
from boomerang.signing.statement import Predicate, Statement

_NAMED = 5  # more differing files are counted, not named


@dataclass(frozen=True)
class _Artifact:
    """A signed folder without a manifest: the file whose digest names it, and what is not signed."""

    main: str
    unsigned: frozenset[str] = frozenset()


_ARTIFACTS = {
    "package": _Artifact(PACKAGE_FILE, frozenset({STATUS_FILE, STATUS_SIGNATURE})),
    "model": _Artifact(ARCHIVE),
}


def sign_folder(
    folder: Path,
    signer: Signer,
    predicate: Predicate | None = None,
    *,
    name: str | None = None,
    into: Path | None = None,
) -> Statement:
    """Sign a committed folder, a model or a package, and write `signature.json` into it.

    A signature that is there already is replaced.

    Parameters
    ----------
    folder : Path
    signer : Signer
    predicate : Predicate, optional
        The parents of a committed folder are those of its manifest and need not be given; those of a
        model must be, or its lineage ends there. A package's parent `model` is its model.
    name : str, optional
        What people call a model or package; the folder's name if not given. A committed folder has
        the name in its manifest.
    into : Path, optional
        Another folder that the signature is written into; then nothing is written into the signed one.

    Raises
    ------
    IntegrityError
        If a committed folder is not what its manifest says, or the signer's signature is wrong.
    BadInput
        If there is nothing in the folder that can be signed, or predicate or name do not fit it.
    """
    target = into or folder
    _clear_leftovers(target)
    facts = predicate or Predicate()
    if (folder / MANIFEST).is_file():
        statement = _of_committed(folder, facts, name)
    else:
        statement = _of_artifact(folder, facts, name or folder.resolve().name)
    target.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(target / SIGNATURE, seal(statement, signer))
    return statement


def _clear_leftovers(folder: Path) -> None:
    # A signer that was killed leaves its half-written file, which no reader takes for a signature but
    # which does not belong to the folder either.
    for left in folder.glob(f".{SIGNATURE}.*.part"):
        left.unlink(missing_ok=True)


def _of_committed(folder: Path, facts: Predicate, name: str | None) -> Statement:
    manifest = verify_folder(folder)
    what = f"{folder} cannot be signed"
    if facts.parents and facts.parents != manifest.parents:
        raise BadInput(what, "its manifest names other parents than were given", "leave the parents out")
    if name not in (None, manifest.name):
        raise BadInput(what, f"its manifest calls it '{display_name(manifest.name)}'", "leave the name out")
    if manifest.kind in _ARTIFACTS:
        raise BadInput(what, f"its manifest says it is a {manifest.kind}, which has no manifest")
    facts = facts.model_copy(update={"parents": manifest.parents})
    return _stated(folder, manifest.kind, manifest.name, manifest.digest, _signable(folder), facts)


def _of_artifact(folder: Path, facts: Predicate, name: str) -> Statement:
    kind = next((kind for kind, artifact in _ARTIFACTS.items() if (folder / artifact.main).is_file()), None)
    if kind is None:
        why = f"it has no {MANIFEST}, {PACKAGE_FILE} or {ARCHIVE}"
        raise BadInput(f"{folder} cannot be signed", why, "name a committed folder, a model or a package")
    artifact = _ARTIFACTS[kind]
    subjects = _signable(folder, artifact.unsigned)
    if kind == "package" and ARCHIVE in subjects:
        facts = facts.model_copy(update={"parents": {**facts.parents, "model": subjects[ARCHIVE]}})
    return _stated(folder, kind, name, subjects[artifact.main], subjects, facts)


def _signable(folder: Path, unsigned: frozenset[str] = frozenset()) -> dict[str, str]:
    try:
        return _digests(folder, unsigned)
    except IntegrityError as error:
        raise BadInput(f"{folder} cannot be signed", error.why, error.do) from None


def _stated(
    folder: Path, kind: str, name: str, digest: str, subjects: dict[str, str], facts: Predicate
) -> Statement:
    content = {"kind": kind, "name": name, "digest": digest, "subjects": subjects}
    try:
        return Statement.model_validate(content | {"predicate": facts.model_dump()})
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BadInput(f"{folder} cannot be signed", display_name(why), "correct what it says") from None


def verify_signed(
    folder: Path,
    trusted_keys: Iterable[PublicKey],
    *,
    kind: str | None = None,
    signature: Path | None = None,
) -> Statement:
    """Hold a folder against its signature, and return what the signer says of it.

    It needs the public key alone and no network. Every file is read once; whoever uses the folder
    afterwards must be the only one who can write to it.

    Parameters
    ----------
    folder : Path
    trusted_keys : iterable of PublicKey
    kind : str, optional
        What it is to be used as; a folder that was signed as something else is refused.
    signature : Path, optional
        The file with its signature, where that lies elsewhere than in the folder.

    Raises
    ------
    IntegrityError
        If it is not signed, by no trusted key, or is not, to the byte and the name, what was signed.
    """
    statement = read_statement(signature or folder / SIGNATURE, trusted_keys)
    if kind is not None and statement.kind != kind:
        why = f"it is signed as a {statement.kind}, not as a {kind}"
        raise IntegrityError(f"{folder} cannot be used", why, f"give a {kind}")
    artifact = _ARTIFACTS.get(statement.kind)
    found = _digests(folder, artifact.unsigned if artifact else frozenset())
    if found != statement.subjects:
        raise _different(folder, statement, found)
    if artifact is None:
        _check_manifest(folder, statement)
    elif found.get(artifact.main) != statement.digest:
        raise _not_signed(folder, f"its signature names another {artifact.main} than it covers")
    return statement


def sign_file(
    file: Path,
    signer: Signer,
    signature: Path,
    *,
    kind: str,
    name: str,
    predicate: Predicate | None = None,
) -> Statement:
    """Sign one file, and write its signature to `signature`; raises BadInput if the kind or name is none."""
    digest = sha256_file(file)
    facts = predicate or Predicate()
    statement = _stated(file, kind, name, digest, {file.name: digest}, facts)
    write_bytes_atomic(signature, seal(statement, signer))
    return statement


def verify_signed_file(
    file: Path, trusted_keys: Iterable[PublicKey], *, kind: str, signature: Path
) -> Statement:
    """Hold one file against its signature, whatever lies beside it, and return what the signer says of it.

    Raises
    ------
    IntegrityError
        If it is not signed, by no trusted key, as another kind, or is not what was signed.
    """
    statement = read_statement(signature, trusted_keys)
    if statement.kind != kind:
        why = f"it is signed as a {statement.kind}, not as a {kind}"
        raise IntegrityError(f"{file} cannot be used", why, f"give a {kind}")
    try:
        digest = sha256_file(file)
    except OSError as error:
        raise _not_signed(file, f"it cannot be read ({error.strerror})") from None
    if statement.digest != digest or statement.subjects != {file.name: digest}:
        raise _not_signed(file, f"its signature is of {statement}, and of other content")
    return statement


def _check_manifest(folder: Path, statement: Statement) -> None:
    # The bytes are those that were signed. This is about a signer that did not look at them.
    manifest = read_manifest(folder)
    said = (statement.kind, statement.name, statement.digest, statement.predicate.parents)
    if said != (manifest.kind, manifest.name, manifest.digest, manifest.parents):
        raise _not_signed(folder, f"its signature says other things of it than its {MANIFEST}")
    listed = {name: entry.sha256 for name, entry in manifest.files.items()}
    covered = {name: digest for name, digest in statement.subjects.items() if name != MANIFEST}
    if listed != covered:
        raise _not_signed(folder, f"its signature covers other files than its {MANIFEST} names")


def _different(folder: Path, statement: Statement, found: Mapping[str, str]) -> IntegrityError:
    other = _whole_by_its_own(folder)
    if other is not None and other.digest != statement.digest:
        why = f"its signature is of {statement}, but it is {other.kind} '{display_name(other.name)}'"
        return _not_signed(folder, f"{why} ({other.digest[:12]})")
    wrong = list(_differences(statement.subjects, found))
    more = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return _not_signed(folder, "; ".join(wrong[:_NAMED]) + more)


def _whole_by_its_own(folder: Path) -> Manifest | None:
    """Return the manifest of a folder that is what its own manifest says: it was swapped, not damaged."""
    try:
        return verify_folder(folder)
    except IntegrityError:
        return None


def _differences(signed: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(signed.keys() | found.keys()):
        if name not in found:
            yield f"{display_name(name)} is missing"
        elif name not in signed:
            yield f"{display_name(name)} was not signed"
        elif signed[name] != found[name]:
            yield f"{display_name(name)} has been changed"


def _digests(folder: Path, unsigned: frozenset[str]) -> dict[str, str]:
    """Return the sha256 of every file but the signature and those at the top that are not signed."""
    beside = unsigned | {SIGNATURE}
    try:
        files = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        return {name: sha256_file(path) for name, path in sorted(files.items()) if name not in beside}
    except OSError as error:
        raise _not_signed(folder, f"a file in it cannot be read ({error.strerror})") from None


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder; links, pipes and devices are refused.

    What a link leads to is outside of what was signed, and can change without the folder changing.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _files(Path(entry.path))
            elif stat.S_ISREG(mode):
                yield Path(entry.path)
            else:
                why = f"{display_name(entry.name)} is a {'link' if stat.S_ISLNK(mode) else 'device or pipe'}"
                raise IntegrityError(f"{folder} is not what was signed", why, "give plain files")


def _not_signed(folder: Path, why: str) -> IntegrityError:
    do = "take it from where it was signed; if the change is yours, sign it again"
    return IntegrityError(f"{folder} is not what was signed", why, do)
