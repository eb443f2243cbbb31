"""Folders and models: signed, held against their signature, and what is wrong named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.signing_cases import CONFIG, WEIGHTS, Key, fresh_key, make_chain, make_dataset, make_model

from boomerang.errors import BadInput, IntegrityError
from boomerang.manifest import Manifest, commit, committing, opened, read_manifest, verify_folder
from boomerang.signing import (
    Predicate,
    Statement,
    seal,
    sign_file,
    sign_folder,
    verify_signed,
    verify_signed_file,
)

KINDS = {"pictures": "pictures", "dataset": "dataset", "model": "model", "package": "package"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return fresh_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def chain(tmp_path: Path, key: Key) -> Path:
    make_chain(tmp_path / "chain", key.signer)
    return tmp_path / "chain"


@pytest.mark.parametrize("name", KINDS)
def test_what_is_signed_verifies(chain: Path, key: Key, name: str) -> None:
    statement = verify_signed(chain / name, [key.public], kind=KINDS[name])
    there = {p.name for p in (chain / name).iterdir()} - {"signature.json", "status.json"}
    assert statement.subjects.keys() == there and statement.kind == KINDS[name]


def test_a_dataset_is_signed_with_what_its_manifest_says(chain: Path, key: Key) -> None:
    manifest = read_manifest(chain / "dataset")
    statement = verify_signed(chain / "dataset", [key.public])
    assert (statement.digest, statement.name) == (manifest.digest, "tiny")
    assert statement.predicate == Predicate(parents=manifest.parents, config=CONFIG)


def test_a_model_is_named_by_its_archive_and_a_package_names_its_model(chain: Path, key: Key) -> None:
    model = verify_signed(chain / "model", [key.public])
    package = verify_signed(chain / "package", [key.public])
    assert model.subjects == {"model.tar.gz": model.digest} and model.predicate.aliases == [WEIGHTS]
    assert package.predicate.parents == {"model": model.digest}


def test_a_signature_changes_nothing_else(tmp_path: Path, key: Key) -> None:
    dataset = make_dataset(tmp_path / "d")
    sign_folder(tmp_path / "d", key.signer)
    assert verify_folder(tmp_path / "d").digest == dataset.manifest.digest
    assert len(opened(tmp_path / "d").x) == 3


def test_signing_again_gives_the_same_bytes(chain: Path, key: Key) -> None:
    before = (chain / "pictures" / "signature.json").read_bytes()
    sign_folder(chain / "pictures", key.signer)
    assert (chain / "pictures" / "signature.json").read_bytes() == before


def test_the_approval_may_change_after_the_signature(chain: Path, key: Key) -> None:
    (chain / "package" / "status.json").write_text('[{"status": "Rejected"}]')
    verify_signed(chain / "package", [key.public])
    (chain / "model" / "status.json").write_text("[]")
    with pytest.raises(IntegrityError, match=r"status\.json was not signed"):
        verify_signed(chain / "model", [key.public])


def test_a_folder_is_used_as_what_it_is_signed_as(chain: Path, key: Key) -> None:
    with pytest.raises(IntegrityError, match="signed as a pictures, not as a dataset"):
        verify_signed(chain / "pictures", [key.public], kind="dataset")


def flip(path: Path, position: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def recommit(folder: Path) -> None:
    """Change the data and let the manifest say so, as whoever can write to the folder may."""
    flip(folder / "x.npy")
    commit(folder, read_manifest(folder))


def link(folder: Path) -> None:
    shutil.move(folder / "x.npy", folder.parent / "elsewhere.npy")
    (folder / "x.npy").symlink_to(folder.parent / "elsewhere.npy")


def swap_files(folder: Path) -> None:
    x, y = (folder / "x.npy").read_bytes(), (folder / "y.npy").read_bytes()
    (folder / "x.npy").write_bytes(y)
    (folder / "y.npy").write_bytes(x)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: flip(f / "x.npy"), "x.npy has been changed"),
        (lambda f: flip(f / "manifest.json"), "manifest.json has been changed"),
        (lambda f: (f / "manifest.json").write_bytes((f / "manifest.json").read_bytes() + b"\n"), "changed"),
        (lambda f: (f / "x.npy").write_bytes((f / "x.npy").read_bytes()[:-1]), "x.npy has been changed"),
        (lambda f: (f / "new").write_text("new"), "new was not signed"),
        (lambda f: (f / "\x1b[31m").write_text("new"), r"\\x1b\[31m was not signed"),
        (lambda f: (f / ".signature.json").write_text("new"), "was not signed"),
        (lambda f: (f / "y.npy").unlink(), "y.npy is missing"),
        (lambda f: (f / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda f: (f / "y.npy").rename(f / "z.npy"), "y.npy is missing; z.npy was not signed"),
        (swap_files, "x.npy has been changed; y.npy has been changed"),
        (recommit, r"its signature is of dataset 'tiny' \(\w{12}\), but it is dataset 'tiny' \(\w{12}\)"),
        (link, "x.npy is a link"),
        (lambda f: (f / "more").symlink_to(f), "more is a link"),
        (lambda f: os.mkfifo(f / "pipe"), "pipe is a device or pipe"),
        (lambda f: (f / "signature.json").unlink(), "there is no signature.json"),
        (lambda f: flip(f / "signature.json", 40), "key_id|does not verify|not trusted"),
    ],
)
def test_what_is_wrong_is_named(chain: Path, key: Key, damage: Callable[[Path], object], words: str) -> None:
    damage(chain / "dataset")
    with pytest.raises(IntegrityError, match=words) as refusal:
        verify_signed(chain / "dataset", [key.public])
    assert refusal.value.exit_code == 4 and refusal.value.why and refusal.value.do


def test_many_differences_are_counted(chain: Path, key: Key) -> None:
    for number in range(9):
        (chain / "model" / f"new{number}").write_text("")
    with pytest.raises(IntegrityError, match="new4 was not signed, and 4 more"):
        verify_signed(chain / "model", [key.public])


def test_a_signature_is_good_for_its_own_folder_only(chain: Path, key: Key) -> None:
    make_dataset(chain / "other", seed=1)
    sign_folder(chain / "other", key.signer)
    shutil.copy(chain / "dataset" / "signature.json", chain / "other" / "signature.json")
    with pytest.raises(IntegrityError, match="its signature is of dataset"):
        verify_signed(chain / "other", [key.public])
    shutil.copy(chain / "dataset" / "signature.json", chain / "model" / "signature.json")
    with pytest.raises(IntegrityError, match=r"model\.tar\.gz was not signed"):
        verify_signed(chain / "model", [key.public])


def test_a_damaged_folder_is_not_signed(tmp_path: Path, key: Key) -> None:
    make_dataset(tmp_path / "d")
    flip(tmp_path / "d" / "x.npy")
    with pytest.raises(IntegrityError, match=r"x\.npy has been changed"):
        sign_folder(tmp_path / "d", key.signer)
    assert not (tmp_path / "d" / "signature.json").exists()


@pytest.mark.parametrize(
    ("make", "predicate", "name", "word"),
    [
        (Path.mkdir, None, None, "no manifest.json, package.json or model.tar.gz"),
        (lambda f: None, None, None, "no manifest.json, package.json or model.tar.gz"),
        (make_dataset, Predicate(parents={"train": "0" * 64}), None, "names other parents"),
        (make_dataset, None, "other", "calls it 'tiny'"),
        (make_model, None, "n" * 257, "name: String should have at most 256"),
        (lambda f: (make_model(f), os.mkfifo(f / "pipe")), None, None, "pipe is a device"),
        (lambda f: (make_model(f), (f / "\udcff").touch()), None, None, "the name of a file is not UTF-8"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    tmp_path: Path,
    key: Key,
    make: Callable[[Path], object],
    predicate: Predicate | None,
    name: str | None,
    word: str,
) -> None:
    make(tmp_path / "f")
    with pytest.raises(BadInput, match=word):
        sign_folder(tmp_path / "f", key.signer, predicate, name=name)


@pytest.mark.parametrize(("kind", "word"), [("model", "which has no manifest"), ("Model?", "kind:")])
def test_a_manifest_cannot_pass_for_a_model(tmp_path: Path, key: Key, kind: str, word: str) -> None:
    with committing(tmp_path / "f") as scratch:
        commit(scratch, Manifest(name="n", kind=kind))
    with pytest.raises(BadInput, match=word):
        sign_folder(tmp_path / "f", key.signer)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dataset", {"kind": "screen"}),
        ("dataset", {"name": "other"}),
        ("dataset", {"digest": "0" * 64}),
        ("dataset", {"predicate": Predicate()}),
        ("model", {"digest": "0" * 64}),
        ("model", {"kind": "package"}),
        ("model", {"kind": "dataset"}),
    ],
)
def test_a_signer_that_did_not_look_is_not_believed(
    chain: Path, key: Key, name: str, change: dict[str, object]
) -> None:
    """The signature is good and covers every byte; what it says of them is wrong."""
    statement = verify_signed(chain / name, [key.public]).model_copy(update=change)
    (chain / name / "signature.json").write_bytes(seal(statement, key.signer))
    with pytest.raises(IntegrityError):
        verify_signed(chain / name, [key.public])


def test_a_signer_cannot_cover_more_than_the_manifest_names(chain: Path, key: Key) -> None:
    statement = verify_signed(chain / "dataset", [key.public])
    (chain / "dataset" / "z").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    wider = Statement.model_validate(statement.model_dump() | {"subjects": statement.subjects | {"z": empty}})
    (chain / "dataset" / "signature.json").write_bytes(seal(wider, key.signer))
    with pytest.raises(IntegrityError, match="covers other files"):
        verify_signed(chain / "dataset", [key.public])


def test_what_a_killed_signer_left_is_cleared_by_the_next(tmp_path: Path, key: Key) -> None:
    make_dataset(tmp_path / "d")
    (tmp_path / "d" / ".signature.json.1.ab.part").write_text("half")
    sign_folder(tmp_path / "d", key.signer)
    assert verify_signed(tmp_path / "d", [key.public]).kind == "dataset"


def test_a_file_is_signed_by_itself_whatever_lies_beside_it(tmp_path: Path, key: Key) -> None:
    file, signature = tmp_path / "execution.json", tmp_path / "signature.json"
    file.write_text("{}")
    statement = sign_file(file, key.signer, signature, kind="run", name="first")
    (tmp_path / "more.txt").write_text("?")
    assert verify_signed_file(file, [key.public], kind="run", signature=signature) == statement
    assert (statement.kind, statement.name) == ("run", "first")

    with pytest.raises(IntegrityError, match="signed as a run, not as a model"):
        verify_signed_file(file, [key.public], kind="model", signature=signature)
    copy = shutil.copy(file, tmp_path / "other.json")
    with pytest.raises(IntegrityError, match="is not what was signed"):
        verify_signed_file(Path(copy), [key.public], kind="run", signature=signature)
    file.write_text("{ }")
    with pytest.raises(IntegrityError, match="is not what was signed"):
        verify_signed_file(file, [key.public], kind="run", signature=signature)
    file.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        verify_signed_file(file, [key.public], kind="run", signature=signature)
    signature.unlink()
    with pytest.raises(IntegrityError, match="is not signed"):
        verify_signed_file(file, [key.public], kind="run", signature=signature)


def test_a_status_beside_a_package_and_its_signature_are_not_the_packages(chain: Path, key: Key) -> None:
    status, signature = chain / "package/status.json", chain / "package/status.signature.json"
    sign_file(status, key.signer, signature, kind="status", name="planes/1")
    verify_signed(chain / "package", [key.public], kind="package")
