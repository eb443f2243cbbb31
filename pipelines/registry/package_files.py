"""The files of a registered package: what is written down of them, and whether they still are that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json, sha256_file
from boomerang.errors import BadInput
from boomerang.formats.model import ARCHIVE
from boomerang.formats.package import PACKAGE_FILE, STATUS_FILE, STATUS_SIGNATURE
from boomerang.manifest import SIGNATURE
from boomerang.metrics import METRICS_FILE
from boomerang.safeio import MAX_JSON_BYTES, as_json, display_name, load_json, read_bytes
from boomerang.watching.approval import APPROVED, REJECTED
from pipelines.runs.storage import plain_files

PACKAGE, STATUS, MODEL, METRICS = PACKAGE_FILE, STATUS_FILE, ARCHIVE, METRICS_FILE
STATUSES = ("PendingManualApproval", APPROVED, REJECTED)
History = tuple[dict[str, str], ...]
_DECISION = {"status", "at", "by", "reason"}
# The key of package.json that says of each folder kept with the package which files it holds.
FOLDERS = "folders"


def record_file(path: Path) -> dict[str, Any]:
    """Return digest and size of a file; raises BadInput if there is none."""
    if not path.is_file():
        raise BadInput(f"{path}", "there is no such file", "register a model that a step has made")
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size}


def record_folder(folder: Path) -> dict[str, dict[str, Any]]:
    """Return digest and size of each file below a folder by its relative name.

    Raises
    ------
    BadInput
        If there is no such folder, or it holds a link, a device, a pipe or a socket.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}", "there is no such folder", "register what a step has made")
    return {name: record_file(file) for name, file in plain_files(folder)}


def read_facts(folder: Path) -> dict[str, Any]:
    """Return the content of a package's `package.json`; raises BadInput if it is not as it was written."""
    facts = load_json(folder / PACKAGE)
    if not isinstance(facts, dict) or facts.get("digest") != digest_json(_without_digest(facts)):
        raise BadInput(f"{folder / PACKAGE}", "it has been changed", "register the model again")
    return facts


def read_history(folder: Path, facts: Mapping[str, Any]) -> History:
    """Return every status that a package had, the first of them as `package.json` says it.

    Raises
    ------
    BadInput
        If it is malformed, does not begin as the package was registered, or approves what was rejected
        without a reason.
    """
    found = load_json(folder / STATUS)
    why = "" if isinstance(found, list) and found else "it is no list of decisions"
    rejected = False
    for entry in () if why else found:
        if not isinstance(entry, dict) or entry.keys() != _DECISION:
            why = why or "it is no list of decisions"
        elif not all(isinstance(word, str) for word in entry.values()) or entry["status"] not in STATUSES:
            why = why or "a decision in it is none"
        else:
            if entry["status"] == APPROVED and rejected and not entry["reason"].strip():
                why = why or "it approves what was rejected, without a reason"
            rejected = rejected or entry["status"] == REJECTED
    if not why and found[0] != facts.get("registered"):
        why = "it does not begin as the package was registered"
    if not why and read_bytes(folder / STATUS, MAX_JSON_BYTES) != as_json(found):
        why = "it has been changed"
    if why:
        raise BadInput(f"{folder / STATUS}", why, "decide on the package again, or register the model again")
    return tuple(found)


def verify_files(folder: Path) -> list[str]:
    """Return what is wrong with the files of a package, one sentence each; nothing if all is well.

    Signatures may be there; `boomerang.signing` says whether they are right.
    """
    try:
        facts = read_facts(folder)
        wrong = []
    except BadInput as error:
        changed = error.why == "it has been changed"
        return [f"{PACKAGE} has been changed" if changed else f"{error.what}: {error.why}"]
    try:
        read_history(folder, facts)
    except BadInput as error:
        wrong = [f"{STATUS}: {error.why}"]
    wrong += _check_file(folder / MODEL, facts.get("model"))
    wrong += _check_file(folder / METRICS, facts.get("metrics"))
    kept = facts.get(FOLDERS, {})
    for name, recorded in kept.items():
        wrong += _check_folder(folder / name, recorded) if _is_name(name) else [_foreign(display_name(name))]
    known = {PACKAGE, STATUS, STATUS_SIGNATURE, MODEL, METRICS, SIGNATURE, *kept}
    return sorted(wrong + [_foreign(path.name) for path in folder.iterdir() if path.name not in known])


def _is_name(name: str) -> bool:
    """Whether a folder is kept beside `package.json`, and not elsewhere."""
    return name not in ("", ".", "..") and "/" not in name


def _without_digest(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != "digest"}


def _check_file(path: Path, recorded: Mapping[str, Any] | None) -> list[str]:
    if recorded is None:
        return [_foreign(path.name)] if path.exists() else []
    if path.is_symlink() or not path.is_file():
        return [f"{path.name} is missing"]
    return [] if record_file(path) == recorded else [f"{path.name} has been changed"]


def _check_folder(folder: Path, recorded: Mapping[str, Any]) -> list[str]:
    if folder.is_symlink() or not folder.is_dir():
        return [f"{folder.name} is missing"]
    try:
        found = record_folder(folder)
    except BadInput as error:
        return [f"{error.what}: {error.why}"]
    named = {name: f"{folder.name}/{name}" for name in found.keys() | recorded.keys()}
    wrong = [f"{named[name]} is missing" for name in recorded.keys() - found.keys()]
    wrong += [_foreign(named[name]) for name in found.keys() - recorded.keys()]
    both = recorded.keys() & found.keys()
    return wrong + [f"{named[name]} has been changed" for name in both if found[name] != recorded[name]]


def _foreign(name: str) -> str:
    return f"{name} does not belong there"
