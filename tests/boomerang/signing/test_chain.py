"""The chain from a package back to the pictures, and the first gap in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.signing_cases import WEIGHTS, Key, fresh_key, make_chain, make_model

from boomerang.errors import IntegrityError
from boomerang.manifest import Manifest, commit, committing, read_manifest
from boomerang.signing import Predicate, Statement, sign_folder, trace, verify_lineage


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return fresh_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def chain(tmp_path: Path, key: Key) -> Path:
    make_chain(tmp_path / "chain", key.signer)
    return tmp_path / "chain"


def behind(chain: Path, *but: str) -> list[Path]:
    return [chain / name for name in ("model", "pictures", "dataset") if name not in but]


def test_the_chain_leads_back_to_the_pictures(chain: Path, key: Key) -> None:
    found = verify_lineage(chain / "package", behind(chain), [key.public])
    assert [statement.kind for statement in found] == ["package", "model", "dataset", "pictures"]


def test_what_does_not_belong_to_it_is_left_out(chain: Path, key: Key) -> None:
    make_model(chain / "other", b"other")
    sign_folder(chain / "other", key.signer)
    found = verify_lineage(chain / "dataset", [*behind(chain), chain / "other"], [key.public])
    assert [statement.kind for statement in found] == ["dataset", "pictures"]


def test_a_signature_alone_stands_for_a_folder_that_is_gone(chain: Path, key: Key) -> None:
    (chain / "kept").mkdir()
    shutil.move(chain / "pictures" / "signature.json", chain / "kept" / "signature.json")
    paths = [*behind(chain, "pictures"), chain / "kept" / "signature.json"]
    assert len(verify_lineage(chain / "package", paths, [key.public])) == 4
    (chain / "kept" / "signature.json").write_text("{}")
    with pytest.raises(IntegrityError):
        verify_lineage(chain / "package", paths, [key.public])


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("model", r"package 'planes/1' \(\w+\) was made from 'model'"),
        ("dataset", r"package .* < model 'victim' \(\w+\) was made from 'train'"),
        ("pictures", r"package .* < model .* < dataset 'tiny' \(\w+\) was made from 'pictures'"),
    ],
)
def test_the_first_gap_is_named(chain: Path, key: Key, missing: str, words: str) -> None:
    with pytest.raises(IntegrityError, match=words) as refusal:
        verify_lineage(chain / "package", behind(chain, missing), [key.public])
    assert refusal.value.exit_code == 4 and "which is not among what is signed" in refusal.value.why


def test_every_folder_must_verify(chain: Path, key: Key, tmp_path: Path) -> None:
    other = fresh_key(tmp_path, "other.pem")
    sign_folder(chain / "pictures", other.signer)
    with pytest.raises(IntegrityError, match="pictures cannot be trusted"):
        verify_lineage(chain / "package", behind(chain), [key.public])
    verify_lineage(chain / "package", behind(chain), iter([key.public, other.public]))
    (chain / "pictures" / "boomerang.png").write_bytes(b"another picture")
    with pytest.raises(IntegrityError, match=r"boomerang\.png has been changed"):
        verify_lineage(chain / "package", behind(chain), [key.public, other.public])


def test_a_model_from_nowhere_is_a_gap(chain: Path, key: Key) -> None:
    sign_folder(chain / "model", key.signer)
    with pytest.raises(IntegrityError, match=r"model 'model' \(\w+\) names nothing that it was made from"):
        verify_lineage(chain / "package", behind(chain), [key.public])


def test_a_dataset_may_be_an_origin_or_not(chain: Path, key: Key) -> None:
    with committing(chain / "imported") as scratch:
        commit(scratch, Manifest(name="imported"))
    sign_folder(chain / "imported", key.signer)
    assert len(verify_lineage(chain / "imported", [], [key.public])) == 1
    with pytest.raises(IntegrityError, match="names nothing"):
        verify_lineage(chain / "imported", [], [key.public], origins={"pictures"})


def test_a_child_may_name_its_parent_by_an_alias(chain: Path, key: Key) -> None:
    parents = {"train": read_manifest(chain / "dataset").digest, "model": WEIGHTS}
    with committing(chain / "screen") as scratch:
        commit(scratch, Manifest(name="screen", kind="screen", parents=parents))
    sign_folder(chain / "screen", key.signer)
    found = verify_lineage(chain / "screen", behind(chain), [key.public])
    assert [statement.kind for statement in found] == ["screen", "model", "dataset", "pictures"]


def stated(name: str, digest: str, *parents: str, aliases: tuple[str, ...] = ()) -> Statement:
    """A statement whose digests are one letter, repeated."""
    predicate = Predicate(parents={p: p * 64 for p in parents}, aliases=[a * 64 for a in aliases])
    kind = "model" if parents else "dataset"
    return Statement(
        kind=kind, name=name, digest=digest * 64, subjects={"x": digest * 64}, predicate=predicate
    )


def test_each_is_there_once_and_children_stand_before_their_parents() -> None:
    a, b, c, d = (
        stated("a", "a", "b", "c", "d"),
        stated("b", "b", "d"),
        stated("c", "c", "b"),
        stated("d", "d"),
    )
    assert trace(a, [d, c, b, d]) == (a, c, b, d)


def test_a_circle_is_a_gap() -> None:
    a, b = stated("a", "a", "b"), stated("b", "b", "c", aliases=("e",))
    with pytest.raises(IntegrityError, match=r"model 'b' .* < model 'c' .*each is said"):
        trace(a, [b, stated("c", "c", "e")])
    itself = stated("a", "a", "a")
    with pytest.raises(IntegrityError, match="each is said to be made from the next"):
        trace(itself, [])


def test_two_origins_of_one_thing_are_refused() -> None:
    head, parent = stated("h", "a", "b"), stated("p", "b", "c")
    for other in (stated("q", "b", "d"), stated("q", "d", aliases=("b",))):
        with pytest.raises(IntegrityError, match="signed as one"):
            trace(head, [parent, other, stated("c", "c"), stated("d", "d")])
