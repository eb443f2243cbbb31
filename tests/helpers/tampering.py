"""Ways to tamper with a signed workspace: every kind of file in it, swapped, stripped, edited or replayed.

`KINDS` knows each file that a workspace holds; a test holds that it leaves none out. A tamperer can write
anywhere in the workspace and knows how all of it is made, digests included. They have neither the signing
key nor what the user keeps outside of the workspace.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json, sha256_file
from boomerang.manifest import Manifest, as_text, read_manifest
from boomerang.signing import LocalSigner, new_key, sign_file, sign_folder
from helpers.signed_workspace import GROUP, PASSED, REJECTED

Change = Callable[[Path], None]

RUN, PACKAGE = PASSED, f"registry/{GROUP}/1"
OTHER_RUN, OTHER_PACKAGE = REJECTED, f"registry/{GROUP}/2"
_MADE = f"{RUN}/s3/bucket/runs/{RUN}"

# One file of each kind, as a glob; those of the run and package that is approved.
KINDS = {
    "record": f"{RUN}/execution.json",
    "signature of the record": f"{RUN}/signature.json",
    "config": f"{RUN}/config.json",
    "definition": f"{RUN}/definition.json",
    "lineage": f"{RUN}/lineage.json",
    "report": f"{RUN}/report.html",
    "numbers of the report": f"{RUN}/report.json",
    "log": f"{RUN}/logs/TrainVictim.log",
    "staged data": f"{RUN}/s3/b/given/train/*",
    "staged numbers": f"{RUN}/s3/b/given/evaluation/metrics.json",
    "other staged evaluation": f"{RUN}/s3/b/given/evaluation/**/*",
    "training set": f"{_MADE}/Preprocess/train/*",
    "signature of a training set": f"{_MADE}/SignPreprocess/train/signature.json",
    "model": f"{_MADE}/TrainVictim/**/model.tar.gz",
    "numbers": f"{_MADE}/Evaluate/evaluation/metrics.json",
    "other evaluation": f"{_MADE}/Evaluate/evaluation/**/*",
    "signature of the candidate": f"{_MADE}/SignCandidate/**/signature.json",
    "package": f"{PACKAGE}/package.json",
    "signature of a package": f"{PACKAGE}/signature.json",
    "packaged model": f"{PACKAGE}/model.tar.gz",
    "packaged numbers": f"{PACKAGE}/metrics.json",
    "packaged canaries": f"{PACKAGE}/canaries/*",
    "packaged probes": f"{PACKAGE}/probes/*",
    "status": f"{PACKAGE}/status.json",
    "signature of a status": f"{PACKAGE}/status.signature.json",
    "cache entry": "cache/??/*/entry.json",
    "cached output": "cache/??/*/outputs/**/*",
    "kept definition": "cache/definitions/*.json",
}
# Kinds that nobody opens as the approved package, and which no run takes either when they were changed.
IN_THE_CACHE = ("cache entry", "cached output", "kept definition")
# Locks hold nothing.
EMPTY = "**/*.lock"


def file_of(workspace: Path, kind: str) -> Path:
    """Return the first file of a kind; of those that are the same in all runs, the last."""
    found = sorted(path for path in workspace.glob(KINDS[kind]) if path.is_file())
    return found[-1 if kind.startswith("other") else 0]


def of_the_other(name: str) -> str:
    """Return the name of what the other run, or the other package, has in that place."""
    return name.replace(RUN, OTHER_RUN).replace(PACKAGE, OTHER_PACKAGE)


def put(file: Path, data: bytes) -> None:
    """Write a file anew: it may be shared by hard link."""
    file.unlink(missing_ok=True)
    file.write_bytes(data)


def put_json(file: Path, content: Any) -> None:
    put(file, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def read(file: Path) -> Any:
    return json.loads(file.read_text())


# --- one file --------------------------------------------------------------------------------------


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    put(file, bytes(data))


def longer(file: Path) -> None:
    put(file, file.read_bytes() + b"\n")


def stripped(file: Path) -> None:
    file.unlink()


ON_A_FILE: dict[str, Change] = {"flipped": flipped, "longer": longer, "stripped": stripped}


def replayed(workspace: Path, kind: str) -> None:
    """Put what the other run, or the other package, has in that place."""
    file = file_of(workspace, kind)
    name = file.relative_to(workspace).as_posix()
    other = workspace / of_the_other(name)
    # It has no lineage, nobody has signed its status, and some files are the same in all runs.
    if not other.exists() or other.read_bytes() == file.read_bytes():
        other = workspace / KINDS["record"].replace(RUN, OTHER_RUN)
    put(file, other.read_bytes())


# --- with the digests made anew --------------------------------------------------------------------


def _sealed_record(workspace: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record of the run, and its digest with it."""
    file = workspace / RUN / "execution.json"
    record = read(file)
    change(record)
    del record["digest"], record["code"]
    put_json(file, record | {"digest": digest_json(record), "code": ""})


def _noted(workspace: Path, name: str) -> None:
    """Write the digest of a file of the run into its record."""

    def change(record: dict[str, Any]) -> None:
        record["files"][name] = _entry(workspace / RUN / name)

    _sealed_record(workspace, change)


def _entry(file: Path) -> dict[str, Any]:
    return {"sha256": sha256_file(file), "bytes": file.stat().st_size}


def _model(workspace: Path) -> Path:
    return file_of(workspace, "model")


def _swap_model(workspace: Path) -> None:
    other = workspace / _model(workspace).relative_to(workspace).as_posix().replace(RUN, OTHER_RUN)
    put(_model(workspace), other.read_bytes())


def _model_noted(record: dict[str, Any], workspace: Path) -> None:
    for step in record["steps"]:
        if step["name"] == "TrainVictim":
            entry = _entry(_model(workspace))
            step["outputs"]["model"] |= {"digest": entry["sha256"], "files": {"model.tar.gz": entry}}


def model_swapped_and_noted(workspace: Path) -> None:
    _swap_model(workspace)
    _sealed_record(workspace, lambda record: _model_noted(record, workspace))


def model_swapped_and_its_signing_stripped(workspace: Path) -> None:
    """As in the issue: the records of all that signs, registers and traces are gone."""
    _swap_model(workspace)
    gone = ("SignCandidate", "Register", "Lineage")

    def change(record: dict[str, Any]) -> None:
        _model_noted(record, workspace)
        record["steps"] = [step for step in record["steps"] if step["name"] not in gone]

    shutil.rmtree(workspace / _MADE / "SignCandidate")
    _sealed_record(workspace, change)


def _edited(name: str, old: bytes, new: bytes) -> Change:
    def change(workspace: Path) -> None:
        file = workspace / RUN / name
        data = file.read_bytes()
        assert old in data, (name, old)
        put(file, data.replace(old, new))
        _noted(workspace, name)

    return change


def all_signatures_of_the_run_stripped(workspace: Path) -> None:
    (workspace / RUN / "signature.json").unlink()
    for name in ("SignPreprocess", "SignCandidate"):
        shutil.rmtree(workspace / _MADE / name)

    def change(record: dict[str, Any]) -> None:
        record["steps"] = [step for step in record["steps"] if not step["name"].startswith("Sign")]

    _sealed_record(workspace, change)


def signed_by_another(workspace: Path) -> None:
    """Sign all of it with a key of one's own."""
    signer = _another(workspace)
    run, package = workspace / RUN, workspace / PACKAGE
    sign_file(run / "execution.json", signer, run / "signature.json", kind="run", name=RUN)
    sign_folder(package, signer, name=f"{GROUP}/1")
    sign_folder(workspace / _MADE / "Evaluate/evaluation", signer, into=workspace / _MADE / "SignCandidate")


def _another(workspace: Path) -> LocalSigner:
    key = workspace.with_name(f"{workspace.name}-key.pem")
    new_key(key)
    return LocalSigner.open(key)


def run_not_ended(workspace: Path) -> None:
    _sealed_record(workspace, lambda record: record.update(status="Running", files={}, ended=""))


def run_replaced(workspace: Path) -> None:
    """Put the other run in its place, signature and all."""
    shutil.rmtree(workspace / RUN)
    shutil.copytree(workspace / OTHER_RUN, workspace / RUN)


def run_replaced_and_renamed(workspace: Path) -> None:
    run_replaced(workspace)
    _sealed_record(workspace, lambda record: record.update(run_id=RUN))


def steps_out_of_the_run(path: str) -> Change:
    def change(workspace: Path) -> None:
        def moved(record: dict[str, Any]) -> None:
            record["steps"][0]["outputs"]["train"]["path"] = path

        _sealed_record(workspace, moved)

    return change


def added(name: str) -> Change:
    return lambda workspace: put(workspace / name, b"foreign")


def manifest_made_anew(workspace: Path) -> None:
    """Change a label of the training set, and the manifest with it, and the record."""
    folder = workspace / _MADE / "Preprocess/train"
    flipped(folder / "y.npy")
    manifest = read_manifest(folder)
    entries = {name: _entry(folder / name) for name in manifest.files}
    changed = Manifest.model_validate(manifest.model_dump() | {"files": entries})
    put(folder / "manifest.json", as_text(changed))

    def change(record: dict[str, Any]) -> None:
        for step in record["steps"]:
            if step["name"] == "Preprocess":
                files = {name: _entry(folder / name) for name in (*entries, "manifest.json")}
                step["outputs"]["train"]["files"] = files

    _sealed_record(workspace, change)


# --- packages --------------------------------------------------------------------------------------


def _sealed_package(
    workspace: Path, change: Callable[[dict[str, Any]], None], package: str = PACKAGE
) -> None:
    file = workspace / package / "package.json"
    facts = read(file)
    change(facts)
    del facts["digest"]
    put_json(file, facts | {"digest": digest_json(facts)})


def packaged_model_swapped_and_noted(workspace: Path) -> None:
    put(workspace / PACKAGE / "model.tar.gz", (workspace / OTHER_PACKAGE / "model.tar.gz").read_bytes())
    entry = _entry(workspace / PACKAGE / "model.tar.gz")
    _sealed_package(workspace, lambda facts: facts.update(model=entry))


def package_edited(**facts: Any) -> Change:
    return lambda workspace: _sealed_package(workspace, lambda known: known.update(facts))


def packaged_numbers_edited(workspace: Path) -> None:
    file = workspace / PACKAGE / "metrics.json"
    put(file, file.read_bytes().replace(b'"passed": true', b'"passed":true'))
    _sealed_package(workspace, lambda facts: facts.update(metrics=_entry(file)))


def package_replaced(workspace: Path) -> None:
    """Put what the gate rejected in the place of what was approved, status and all that was signed of it."""
    status = (workspace / PACKAGE / "status.json").read_bytes()
    shutil.rmtree(workspace / PACKAGE)
    shutil.copytree(workspace / OTHER_PACKAGE, workspace / PACKAGE)
    put(workspace / PACKAGE / "status.json", status)


def package_replaced_and_renumbered(workspace: Path) -> None:
    package_replaced(workspace)
    registered = read(workspace / PACKAGE / "status.json")[0]
    _sealed_package(workspace, lambda facts: facts.update(version=1, registered=registered))


def package_replaced_without_signature(workspace: Path) -> None:
    package_replaced_and_renumbered(workspace)
    (workspace / PACKAGE / "signature.json").unlink()


def package_stripped(workspace: Path) -> None:
    shutil.rmtree(workspace / PACKAGE)


def registry_stripped(workspace: Path) -> None:
    shutil.rmtree(workspace / "registry" / GROUP)


def package_put_into_another_group(workspace: Path) -> None:
    (workspace / "registry/other").mkdir()
    (workspace / PACKAGE).rename(workspace / "registry/other/1")


# --- what was decided, of the package that the gate rejected ---------------------------------------


def _decided(workspace: Path, *statuses: str, reason: str = "") -> None:
    file = workspace / OTHER_PACKAGE / "status.json"
    first = read(file)[0]
    more = [{"status": each, "at": first["at"], "by": "ann", "reason": reason} for each in statuses]
    put_json(file, [first, *more])


def rejection_edited(workspace: Path) -> None:
    file = workspace / OTHER_PACKAGE / "status.json"
    first = read(file)[0]
    put_json(file, [first | {"status": "PendingManualApproval"}])


def rejection_edited_in_the_package_too(workspace: Path) -> None:
    rejection_edited(workspace)
    registered = read(workspace / OTHER_PACKAGE / "status.json")[0]
    _sealed_package(workspace, lambda facts: facts.update(registered=registered), OTHER_PACKAGE)


def rejection_edited_everywhere(workspace: Path) -> None:
    """And the signature gone, so that it looks like a package that nobody has signed."""
    rejection_edited_in_the_package_too(workspace)
    (workspace / OTHER_PACKAGE / "signature.json").unlink()


def approval_forged(workspace: Path) -> None:
    _decided(workspace, "Approved")


def approval_forged_with_a_reason(workspace: Path) -> None:
    _decided(workspace, "Approved", reason="it is good")


def approval_signed_by_another(workspace: Path) -> None:
    approval_forged_with_a_reason(workspace)
    folder = workspace / OTHER_PACKAGE
    signature = folder / "status.signature.json"
    sign_file(folder / "status.json", _another(workspace), signature, kind="status", name=f"{GROUP}/2")


def approval_replayed(workspace: Path) -> None:
    """Take the approval of the other package, with its signature."""
    for name in ("status.json", "status.signature.json"):
        file = workspace / PACKAGE / name
        if file.exists():
            put(workspace / OTHER_PACKAGE / name, file.read_bytes())


def history_emptied(workspace: Path) -> None:
    put_json(workspace / OTHER_PACKAGE / "status.json", [])


def history_of_other_things(workspace: Path) -> None:
    put_json(workspace / OTHER_PACKAGE / "status.json", {"status": "Approved"})


@dataclass(frozen=True)
class Case:
    """One way to tamper, and the version of the package that it is about."""

    name: str
    change: Change
    version: int = 1

    def __str__(self) -> str:
        return self.name.replace("_", " ")


def _on(kind: str, change: Change) -> Change:
    return lambda workspace: change(file_of(workspace, kind))


def _replaying(kind: str) -> Change:
    return lambda workspace: replayed(workspace, kind)


def _on_files() -> Iterator[Case]:
    for kind in KINDS:
        for name, change in ON_A_FILE.items():
            # Of what is kept for later, a file that is gone is made again.
            if (kind, name) != ("kept definition", "stripped"):
                yield Case(f"{kind} {name}", _on(kind, change))
        if kind not in IN_THE_CACHE:
            yield Case(f"{kind} replayed", _replaying(kind))


ON_FILES = tuple(_on_files())
WITH_DIGESTS = (
    *(
        Case(change.__name__, change)
        for change in (
            model_swapped_and_noted,
            model_swapped_and_its_signing_stripped,
            all_signatures_of_the_run_stripped,
            signed_by_another,
            run_not_ended,
            run_replaced,
            run_replaced_and_renamed,
            manifest_made_anew,
            packaged_model_swapped_and_noted,
            packaged_numbers_edited,
            package_replaced,
            package_replaced_and_renumbered,
            package_replaced_without_signature,
            package_stripped,
            registry_stripped,
            package_put_into_another_group,
        )
    ),
    *(
        Case(change.__name__, change, 2)
        for change in (
            rejection_edited,
            rejection_edited_in_the_package_too,
            rejection_edited_everywhere,
            approval_forged,
            approval_forged_with_a_reason,
            approval_signed_by_another,
            approval_replayed,
            history_emptied,
            history_of_other_things,
        )
    ),
    Case("report edited and noted", _edited("report.html", b"</body>", b"<p>It is good.</p></body>")),
    Case("config edited and noted", _edited("config.json", b'"seed": 0', b'"seed": 7')),
    Case(
        "definition edited and noted", _edited("definition.json", b'"RightValue": 0.1', b'"RightValue": 0.9')
    ),
    Case("lineage edited and noted", _edited("lineage.json", b'"Produced"', b'"AssociatedWith"')),
    Case("record of other seconds", lambda w: _sealed_record(w, lambda record: record.update(seconds=0.0))),
    Case("an output beside the run", steps_out_of_the_run(f"../{OTHER_RUN}/s3")),
    Case("an output outside of the workspace", steps_out_of_the_run("/etc")),
    Case("package of another run", package_edited(run=OTHER_RUN)),
    Case("package of another order", package_edited(order={})),
    Case("package with another card", package_edited(metadata={"Model": "victim"})),
    *(
        Case(f"added {name}", added(name))
        for name in (
            f"{RUN}/notes.txt",
            f"{RUN}/logs/notes.log",
            f"{RUN}/s3/b/given/train/z.npy",
            f"{_MADE}/Evaluate/evaluation/z.npy",
            f"{PACKAGE}/notes.txt",
            f"{PACKAGE}/canaries/z.npy",
            f"registry/{GROUP}/3x",
            "registry/notes.txt",
        )
    ),
)
CASES = (*ON_FILES, *WITH_DIGESTS)
