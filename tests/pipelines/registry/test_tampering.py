"""A hundred and more ways to tamper with a signed workspace: none verifies, is approved, or is opened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from helpers import tampering
from helpers.once import once
from helpers.signed_workspace import GROUP, SignedWorkspace, build_signed_workspace, open_signed_workspace
from helpers.tampering import CASES, EMPTY, KINDS, ON_FILES, WITH_DIGESTS, Case

from boomerang.digest import digest_json, digest_tree
from boomerang.errors import BoomerangError
from pipelines.cli.main import main
from pipelines.registry.approval import approve
from pipelines.registry.local import Registry
from pipelines.watching.watched_package import find

STATUS_FILES = ("status.json", "status.signature.json")


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> SignedWorkspace:
    folder = once(tmp_path_factory, "signed-workspace", build_signed_workspace)
    copy = tmp_path_factory.mktemp("approved") / "runs"
    return open_signed_workspace(folder, copied(folder / "runs", copy))


def copied(workspace: Path, to: Path) -> Path:
    """A copy by hard links: who tampers writes files anew."""
    return shutil.copytree(workspace, to, copy_function=os.link)


@pytest.fixture
def pending(signed: SignedWorkspace, tmp_path: Path) -> Path:
    return copied(signed.pending, tmp_path / "pending")


@pytest.fixture
def approved(signed: SignedWorkspace, tmp_path: Path) -> Path:
    return copied(signed.approved, tmp_path / "approved")


def content(folder: Path) -> str:
    """What a folder holds, what was decided of it left out."""
    for name in STATUS_FILES:
        (folder / name).unlink(missing_ok=True)
    return digest_tree(folder)


def verifies(workspace: Path, signed: SignedWorkspace) -> bool:
    return main(["verify", str(workspace), "--key", str(signed.public_file)]) == 0


def test_the_workspace_verifies_is_approved_and_opened_as_long_as_nobody_tampers(
    signed: SignedWorkspace, pending: Path, approved: Path
) -> None:
    assert verifies(pending, signed) and verifies(approved, signed)
    assert verifies(approved / "first", signed) and verifies(approved / "second", signed)
    assert approve(Registry(pending / "registry"), f"{GROUP}/1", by="ann", keys=[signed.public]).history
    assert find(approved, GROUP, [signed.public]).package.version == 1


def test_every_file_of_the_workspace_is_of_a_kind_that_is_tampered_with(approved: Path) -> None:
    patterns = [*KINDS.values(), *map(tampering.of_the_other, KINDS.values()), EMPTY]
    known = {file for pattern in patterns for file in approved.glob(pattern)}
    found = {file for file in approved.rglob("*") if file.is_file()}
    # All logs are one kind, and so are the signatures of steps.
    rest = {file.relative_to(approved).as_posix() for file in found - known if file.parent.name != "logs"}
    assert not rest
    assert len(CASES) >= 100 and len({case.name for case in CASES}) == len(CASES)


def test_a_canary_with_a_key_asks_for_an_approval_that_is_signed(
    signed: SignedWorkspace, pending: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, public = ["--out", str(pending)], ["--key", str(signed.public_file)]
    assert main(["approve", f"{GROUP}/1", *out, *public]) == 0
    assert not verifies(pending, signed)
    assert main(["canary", *out, *public]) == 4
    assert f"package {GROUP}/1: nobody has signed that it is Approved" in capsys.readouterr().err
    assert main(["approve", f"{GROUP}/1", *out, *public, "--sign", str(signed.key)]) == 0
    assert verifies(pending, signed)
    assert find(pending, GROUP, [signed.public]).package.status == "Approved"
    assert main(["reject", f"{GROUP}/1", *out, "--reason", "it fell", "--sign", str(signed.key)]) == 0
    assert verifies(pending, signed)
    with pytest.raises(BoomerangError, match="none of its 2 packages is Approved"):
        find(pending, GROUP, [signed.public])


@pytest.mark.parametrize("with_key", [True, False])
def test_a_forged_approval_of_what_was_rejected_is_not_signed_without_an_override(
    signed: SignedWorkspace, pending: Path, capsys: pytest.CaptureFixture[str], with_key: bool
) -> None:
    tampering.approval_forged_with_a_reason(pending)
    command = ["approve", f"{GROUP}/2", "--out", str(pending), "--sign", str(signed.key)]
    command += ["--key", str(signed.public_file)] if with_key else []
    assert main(command) == 2
    assert f"package {GROUP}/2: the gate rejected it" in capsys.readouterr().err
    assert not (pending / f"registry/{GROUP}/2/status.signature.json").exists()
    assert main([*command, "--override", "--reason", "to study it", "--by", "bob"]) == 0
    history = Registry(pending / "registry").package(GROUP, 2).history
    assert (history[-1]["by"], history[-1]["reason"]) == ("bob", "to study it")
    assert main(command) == 0 and verifies(pending, signed)
    assert Registry(pending / "registry").package(GROUP, 2).history == history, "it stands"


@pytest.mark.parametrize(
    "name", ["report.html", "report.json", "config.json", "definition.json", "lineage.json"]
)
def test_without_a_key_too_one_changed_file_of_the_run_is_found_and_its_package_not_approved(
    name: str, pending: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tampering.flipped(pending / "first" / name)
    assert main(["verify", str(pending)]) == main(["verify", str(pending / "first")]) == 4
    assert f"first/{name}: has been changed" in capsys.readouterr().err
    assert main(["approve", f"{GROUP}/1", "--out", str(pending)]) == 4
    assert f"first/{name}: has been changed" in capsys.readouterr().err
    assert Registry(pending / "registry").package(GROUP, 1).status == "PendingManualApproval"


def test_a_record_that_was_made_anew_with_its_digest_is_told_where_it_was_made(
    pending: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = pending / "first/execution.json"
    record = tampering.read(file)
    code = record.pop("code")
    del record["digest"]
    record["seconds"] = 0.0
    tampering.put_json(file, record | {"digest": digest_json(record), "code": code})
    assert main(["verify", str(pending / "first")]) == 4
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert main(["verify", str(pending / "first")]) == 0, "there it takes a signature, and --key"


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        ("SignCandidate/model", "nobody has signed this model"),
        ("SignCandidate/evaluation", "no evaluation in it is signed"),
        ("SignPreprocess", "which is not among what is signed"),
        ("Sign*", "nothing in it was signed"),
    ],
)
def test_a_copy_of_the_bucket_misses_what_was_taken_out_of_it(
    taken: str, why: str, signed: SignedWorkspace, pending: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no record: every model must be signed there, and the evaluation at the end."""
    bucket = pending / "first/s3/bucket"
    assert verifies(bucket, signed)
    for folder in bucket.glob(f"runs/first/{taken}"):
        shutil.rmtree(folder)
    assert not verifies(bucket, signed)
    assert why in capsys.readouterr().err


def refused(case: Case, workspace: Path, signed: SignedWorkspace) -> None:
    """No package is approved, unless it and its run are what they were, and nobody rejected it."""
    registry, name = Registry(workspace / "registry"), f"{GROUP}/{case.version}"
    try:
        approve(registry, name, by="ann", keys=[signed.public])
    except BoomerangError:
        return
    assert case.version == 1
    run = tampering.RUN
    for part in (f"registry/{name}", run):
        assert content(workspace / part) == content(copied(signed.pending / part, workspace / "copy" / part))


def unopened(workspace: Path, signed: SignedWorkspace) -> None:
    """No package is opened but one that is what it was, and that a person has approved."""
    try:
        package = find(workspace, GROUP, [signed.public]).package
    except BoomerangError:
        return
    assert package.version == 1
    part = f"registry/{package.name}"
    assert content(package.folder) == content(copied(signed.approved / part, workspace / "copy" / part))


def no_use(case: Case, signed: SignedWorkspace, pending: Path, approved: Path) -> None:
    if "signature of a status" not in case.name:
        case.change(pending)
        assert not verifies(pending, signed)
        refused(case, pending, signed)
    case.change(approved)
    assert not verifies(approved, signed)
    unopened(approved, signed)


# One of each way on a file, and what takes more thought.
SOME = [*ON_FILES[::26], *WITH_DIGESTS[::8]]


@pytest.mark.parametrize("case", SOME, ids=str)
def test_tampering_leads_to_nothing(
    case: Case, signed: SignedWorkspace, pending: Path, approved: Path
) -> None:
    no_use(case, signed, pending, approved)


@pytest.mark.whole
@pytest.mark.parametrize("case", [case for case in CASES if case not in SOME], ids=str)
def test_no_other_tampering_does(case: Case, signed: SignedWorkspace, pending: Path, approved: Path) -> None:
    no_use(case, signed, pending, approved)
