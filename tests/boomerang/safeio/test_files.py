"""What every reader refuses, whatever it reads; names that stay inside; writing in one piece."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import hostile
from helpers.hostile import refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from boomerang import safeio
from boomerang.errors import BadInput

READERS = [safeio.open_image, safeio.load_npy, safeio.load_npz, safeio.load_json, safeio.load_toml]


@pytest.mark.parametrize("read", [*READERS, safeio.load_keras_model], ids=lambda read: read.__name__)
class TestNoRegularFile:
    def test_missing(self, read: Callable[..., Any], tmp_path: Path) -> None:
        assert "No such file" in refusal(read, tmp_path / "missing")

    def test_folder(self, read: Callable[..., Any], tmp_path: Path) -> None:
        assert refusal(read, tmp_path) == "it is a folder"

    def test_empty(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("empty", b"")) == "it is empty"

    def test_pipe_does_not_hang(self, read: Callable[..., Any], tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "pipe" in refusal(read, tmp_path / "pipe")

    def test_device(self, read: Callable[..., Any]) -> None:
        assert "device" in refusal(read, Path("/dev/zero"))

    def test_a_terabyte_is_refused_by_its_size(self, read: Callable[..., Any], tmp_path: Path) -> None:
        path = hostile.huge_sparse(tmp_path / "huge")
        assert "1,099,511,627,776 bytes, the limit is" in refusal(read, path)

    def test_noise(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("noise", hostile.noise(5000)))

    def test_pickle(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("pickle", hostile.pickled()))

    def test_name_with_control_characters_is_escaped(self, read: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(BadInput) as caught:
            read(tmp_path / "a\x1b[31m")
        assert "\x1b" not in str(caught.value)


def test_a_name_with_nul_is_refused() -> None:
    with pytest.raises(BadInput, match="null byte"):
        safeio.read_bytes(Path("a\0b"), 10)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "", ".", "C:\\x", "\\x", "a\\..\\x", "a\0b"]
)
def test_safe_join_refuses(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the name"):
        safeio.safe_join(tmp_path, name)


def test_safe_join_follows_links(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="through a link"):
        safeio.safe_join(tmp_path / "root", "out/x")
    (tmp_path / "root" / "loop").symlink_to("loop")
    assert safeio.safe_join(tmp_path / "root", "loop")
    assert safeio.safe_join(tmp_path / "root", "a/b.txt") == tmp_path / "root" / "a" / "b.txt"


@given(st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_safe_join_stays_inside(name: str) -> None:
    root = Path("/tmp/root")
    try:
        joined = safeio.safe_join(root, name)
    except BadInput:
        return
    assert root in joined.resolve().parents


def test_atomic_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    safeio.write_json_atomic(path, {"b": 1, "a": "ä"})
    safeio.write_json_atomic(path, {"b": 2, "a": "ä"})
    assert path.read_text("utf-8") == '{\n "a": "ä",\n "b": 2\n}\n'
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_atomic_write_keeps_the_old_file_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    safeio.write_bytes_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        safeio.write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
