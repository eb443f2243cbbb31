"""JSON and TOML: one meaning, finite numbers, little depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.hostile import refusal

from boomerang import safeio


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ("[NaN]", "not finite"),
        ('{"a": [-Infinity]}', "not finite"),
        ("[1e999]", "not finite"),
        ("[" * 100_000 + "]" * 100_000, "not JSON"),
        ("[" * 70 + "]" * 70, "deeper than 64"),
        ('{"a":' * 70 + "1" + "}" * 70, "deeper than 64"),
        ("9" * 5000, "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1} {"b": 2}', "not JSON"),
    ],
)
def test_json_refused(text: str, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_json, put("x.json", text.encode()))


def test_json_not_utf8_and_size(put: Callable[[str, bytes], Path]) -> None:
    assert "not UTF-8 text (byte 2)" in refusal(safeio.load_json, put("x.json", b'["\xff"]'))
    assert "the limit is 10" in refusal(safeio.load_json, put("y.json", b"[1,2,3,4,5,6]"), 10)


def test_json_allows_nan_when_told(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_json(put("x.json", b"[Infinity]"), allow_nan=True) == [float("inf")]


def test_json_with_byte_order_mark(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_json(put("x.json", b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = 1\na = 2\n", "not TOML"),
        ("a = nan\n", "not finite"),
        ("a = " + "[" * 70 + "]" * 70, "deeper than 64"),
        ("a = " + "[" * 50_000, "not TOML"),
        ("a = \n", "not TOML"),
    ],
)
def test_toml_refused(text: str, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_toml, put("x.toml", text.encode()))


def test_toml_is_read(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_toml(put("x.toml", b"[data]\nsource = 'mnist'\n")) == {"data": {"source": "mnist"}}


def test_json_atomic_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        safeio.write_json_atomic(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())
