"""Content digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boomerang.digest import canonical_json, digest_json, digest_tree, sha256_file

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


def test_a_file_larger_than_one_block_is_read_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "big").write_bytes(data)
    assert sha256_file(tmp_path / "big") == hashlib.sha256(data).hexdigest()


@given(st.dictionaries(st.text(), PLAIN))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(list(value.items()))))


def test_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest_json({"x": float("nan")})


def test_a_tree_is_its_names_and_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text("same")
    assert digest_tree(tmp_path / "a") == digest_tree(tmp_path / "b")
    (tmp_path / "b" / "sub" / "file").rename(tmp_path / "b" / "sub" / "other")
    assert digest_tree(tmp_path / "a") != digest_tree(tmp_path / "b")
