"""Folders in one piece: what a reader sees, and what a killed writer leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.safeio import discard, in_one_piece, is_alive, remove_tree, sweep

KILLED = """
import sys, time
from pathlib import Path
from boomerang.safeio import in_one_piece
with in_one_piece(Path(sys.argv[1])) as scratch:
    (scratch / "half").write_text("x")
    print("half", flush=True)
    time.sleep(60)
"""


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write(path: Path, text: str, **options: bool) -> None:
    with in_one_piece(path, **options) as scratch:
        assert scratch.parent == path.parent
        (scratch / "text").write_text(text)


def killed_writer(path: Path) -> int:
    """Start a writer, kill it in the middle, and return its number."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    return process.pid


def test_a_folder_appears_when_it_is_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    write(path, "one")
    assert content(path) == {"text": "one"}
    write(path, "two")
    assert content(path) == {"text": "two"} and [p.name for p in path.parent.iterdir()] == ["folder"]


def test_an_error_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    write(path, "one")
    with pytest.raises(RuntimeError), in_one_piece(path) as scratch:
        (scratch / "text").write_text("two")
        raise RuntimeError
    assert content(path) == {"text": "one"} and [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_without_replacing_the_first_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    write(path, "one", replace=False)
    write(path, "two", replace=False)
    assert content(path) == {"text": "one"} and [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_an_empty_folder_that_was_made_before_is_taken(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", "one")
    assert content(tmp_path / "folder") == {"text": "one"}


def test_what_a_killed_writer_left_is_cleared_by_the_next_one_and_by_sweeping(tmp_path: Path) -> None:
    path, other = tmp_path / "folder", tmp_path / "other"
    pid = killed_writer(path)
    assert [p.name for p in tmp_path.iterdir()] == [f".folder.{pid}.part"]
    write(other, "its own")
    assert (tmp_path / f".folder.{pid}.part").is_dir()
    write(path, "one")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "other"]
    pid = killed_writer(path)
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "other"]


def test_sweeping_leaves_what_a_living_process_works_on_and_what_is_no_scratch(tmp_path: Path) -> None:
    kept = [f".a.{os.getppid()}.part", ".hidden", ".a.b.part", ".a.999999999.zip"]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / ".left.999999999.part").mkdir()
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


def test_a_folder_that_was_being_replaced_comes_back_where_the_new_one_did_not(tmp_path: Path) -> None:
    for name, pid in (("first", 999999999), ("second", 999999999)):
        write(tmp_path / f".{name}.{pid}.old", "old")
    write(tmp_path / "second", "new")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "second"]
    assert content(tmp_path / "first") == {"text": "old"} and content(tmp_path / "second") == {"text": "new"}


@pytest.mark.parametrize("random", ["0a1b2c3d", "12345678"])
def test_what_a_killed_writer_of_a_file_left_is_swept(tmp_path: Path, random: str) -> None:
    kept = [f".a.json.{os.getppid()}.{random}.part", f".a.999999999.json.{os.getppid()}.{random}.part"]
    for name in (*kept, f".a.json.999999999.{random}.part"):
        (tmp_path / name).write_text("half")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


def test_what_was_being_taken_away_does_not_come_back(tmp_path: Path) -> None:
    write(tmp_path / ".folder.999999999.gone", "half")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_discarded_once(tmp_path: Path) -> None:
    write(tmp_path / "folder", "one")
    discard(tmp_path / "folder")
    discard(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_tree_is_removed_and_of_a_link_the_link_alone(tmp_path: Path) -> None:
    write(tmp_path / "folder", "one")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    remove_tree(tmp_path / "link")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    (tmp_path / "folder").chmod(0o555)
    remove_tree(tmp_path / "folder")
    remove_tree(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_process_is_alive_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_alive(process.pid) and is_alive(1)
    assert not is_alive(process.pid)
