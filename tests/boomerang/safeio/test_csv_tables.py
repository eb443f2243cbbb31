"""Tables as text, whatever separates their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.hostile import refusal

from boomerang.safeio import load_table, table_columns

Put = Callable[[str, bytes], Path]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_values_are_those_of_the_columns(separator: str, end: str, put: Put) -> None:
    mark = separator.replace("\t", "_")
    lines = (["a", " b ", "c"], ["1", "x", ""], [], ["2", f'"y{mark} ""z"', " w"])
    path = put("t.csv", b"\xef\xbb\xbf" + end.join(separator.join(line) for line in lines).encode())
    assert table_columns(path) == ("a", "b", "c")
    table = load_table(path, ("c", "b"))
    assert table.columns == {"c": ("", "w"), "b": ("x", f'y{mark} "z')}
    assert table.lines == (2, 4) and len(table) == 2
    assert load_table(path, ("a",), most=1).columns == {"a": ("1",)}


def test_a_table_without_rows_has_its_columns(put: Put) -> None:
    assert load_table(put("t.csv", b"a,b\n"), ("b",)).columns == {"b": ()}


def test_numbers_and_signs_are_no_formulas(put: Put) -> None:
    path = put("t.csv", "a\n-1\n+2.5\n-\nmüll\n".encode())
    assert load_table(path, ("a",)).columns["a"] == ("-1", "+2.5", "-", "müll")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a,b\n1,=1+1", "line 2, column 'b': '=1+1' is a formula"),
        (b"a,b\n1,@x", "formula"),
        (b"a,b\n1,\x1b[31m", r"'\x1b[31m' holds control characters"),
        (b"a,b\n1,2,3", "line 2 has 3 values, and there are 2 columns"),
        (b"a,b\n1,\xff", "UTF-8"),
        (b"a,b\n1,\0", "zero bytes"),
        (b'a,b\n1,"x', "line 2 is damaged"),
        (b"b,b\n1,2", "two columns 'b'"),
        (b"a,b\n1," + b"x" * 1001, "1,001 characters"),
    ],
)
def test_what_is_wrong_is_said(text: bytes, said: str, put: Put) -> None:
    assert said in refusal(load_table, put("t.csv", text), ("b",))


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "C:\\x.png", "a/../../x.png", "\\\\host\\x.png"])
def test_a_name_of_a_file_stays_below(name: str, put: Put) -> None:
    path = put("t.csv", f"file\n{name}\n".encode())
    assert name in refusal(load_table, path, ("file",), "file").replace("\\\\", "\\") or "\\\\" in name
    assert load_table(path, ("file",)).columns["file"] == (name,)


def test_what_is_not_wanted_may_be_anything(put: Put) -> None:
    assert load_table(put("t.csv", b"a,b\n=1,2\n"), ("b",)).columns == {"b": ("2",)}
