"""A file that names rows: a number a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from boomerang.errors import BadInput
from pipelines.campaign.entry import load
from pipelines.campaign.row_files import load_rows


def test_an_entry_names_rows_by_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("# chosen by hand\n7\n\n  3  # a glider\n")
    entry = tmp_path / "mine.toml"
    entry.write_text('[[attacks]]\nkind = "label_flip_random"\nrows = "rows.txt"\n')
    assert load(str(entry)).attacks[0].model_dump()["rows"] == [7, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\nx\n", "line 2 is 'x'"),
        ("1 2\n", "line 1 is '1 2'"),
        ("-1\n", "line 1 is '-1'"),
        ("²\n", "line 1 is"),
        ("9" * 40, "line 1 is"),
        ("# none\n", "it names no row"),
        ("", "it is empty"),
    ],
)
def test_a_file_that_names_something_else_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_text(text)
    with pytest.raises(BadInput, match=said):
        load_rows(file)
