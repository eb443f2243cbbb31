"""The files of a folder in the order that people expect."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boomerang.errors import BadInput
from processing.pictures.listing import listed, natural_key


def test_numbers_in_names_count_and_hidden_files_do_not(tmp_path: Path) -> None:
    for name in ("rb-10.png", "rb-2.png", "Rb-2.png", "a.png", ".hidden"):
        (tmp_path / name).touch()
    assert [path.name for path in listed(tmp_path)] == ["a.png", "Rb-2.png", "rb-2.png", "rb-10.png"]


@given(st.lists(st.text("ab01²-", min_size=1), unique=True))
def test_every_two_names_have_an_order(names: list[str]) -> None:
    other_way = names[::-1]
    assert sorted(names, key=natural_key) == sorted(other_way, key=natural_key)


def test_an_empty_folder_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="empty"):
        listed(tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        listed(tmp_path / "absent")
