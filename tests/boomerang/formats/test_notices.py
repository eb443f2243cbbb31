"""What a step left out and warned of: it is written, found again, and changes nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import IntegrityError
from boomerang.formats.notices import NOTICES, Notice, notices_below, write_notices
from boomerang.manifest import Manifest, commit, committing, verify_folder, write_dataset

FAINT = Notice(kind="warning", what="attack 'dot'", why="hardly seen")


def write(folder: Path, *notices: Notice, manifest: Manifest | None = None) -> Manifest:
    with committing(folder) as scratch:
        (scratch / "content").write_text("the same")
        write_notices(scratch, notices)
        return commit(scratch, manifest or Manifest(name="thing", kind="secret"))


def test_what_is_written_is_found_at_any_depth(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", FAINT)
    write(tmp_path / "c")
    assert list(notices_below(tmp_path)) == [FAINT]
    assert NOTICES in verify_folder(tmp_path / "a" / "b").files, "it is part of what was committed"


def test_without_a_notice_a_folder_is_what_it_always_was(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "content").write_text("the same")
    plain = commit(tmp_path / "plain", Manifest(name="thing", kind="secret"))
    assert write(tmp_path / "none").digest == plain.digest
    assert write(tmp_path / "one", FAINT).digest != plain.digest


def test_the_files_that_a_dataset_refused_are_left_out_once(tmp_path: Path) -> None:
    refused = ({"name": "dog/a.txt", "reason": "it is no picture"},)
    x, y = np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64)
    for name in ("train", "test"):
        write_dataset(tmp_path / name, x, y, name="pets", classes=("dog",), refused=refused)
    write(tmp_path / "for-the-eye", manifest=Manifest(name="pictures", kind="pictures", refused=refused))
    assert list(notices_below(tmp_path)) == [
        Notice(kind="left out", what="pets", name="dog/a.txt", why="it is no picture")
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"notices": [{"kind": "joke", "what": "", "why": ""}]}'])
def test_notices_that_are_none_are_refused_by_name(tmp_path: Path, text: str) -> None:
    with committing(tmp_path / "a") as scratch:
        (scratch / NOTICES).write_text(text)
        commit(scratch, Manifest(name="thing", kind="secret"))
    with pytest.raises(IntegrityError, match=NOTICES):
        list(notices_below(tmp_path))
