"""Dataset folders: written in one piece, byte-identical, and verified against their manifest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.manifests import changed
from helpers.ranges import ROOT

from boomerang.errors import BadInput, IntegrityError
from boomerang.manifest import (
    Dataset,
    Manifest,
    commit,
    committing,
    file_entries,
    opened,
    verify_folder,
    write_dataset,
)

CLASSES = ("cat", "dog")


def write(path: Path, rows: int = 5, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (rows, 4, 4, 3), np.uint8)
    y = rng.integers(0, 2, rows)
    return write_dataset(path, x, y, name="random", classes=CLASSES, recipe={"rows": rows}, seed=seed)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = write(tmp_path / "d")
    found = opened(tmp_path / "d")
    assert found.manifest == written.manifest
    assert np.array_equal(found.x, written.x) and np.array_equal(found.y, written.y)
    assert len(found) == 5 and found.classes == CLASSES
    assert isinstance(found.x, np.memmap)


@pytest.mark.parametrize("rows", [0, 7])
def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path, rows: int) -> None:
    one, two = write(tmp_path / "one", rows), write(tmp_path / "two", rows)
    assert one.manifest.digest == two.manifest.digest
    for name in ("x.npy", "y.npy", "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_gives_another_digest(tmp_path: Path) -> None:
    assert write(tmp_path / "one").manifest.digest != write(tmp_path / "two", seed=1).manifest.digest


def test_a_manifest_survives_a_round_trip(tmp_path: Path) -> None:
    manifest = write(tmp_path / "d").manifest
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), np.zeros(2, np.int64), "images"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2, np.int64), "images"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(3, np.int64), "labels"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int32), "labels"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 2]), "labels"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, x: np.ndarray, y: np.ndarray, word: str) -> None:
    with pytest.raises(BadInput, match=word):
        write_dataset(tmp_path / "d", x, y, name="n", classes=CLASSES)
    assert not (tmp_path / "d").exists()


def flip_byte(folder: Path) -> None:
    data = bytearray((folder / "x.npy").read_bytes())
    data[-1] ^= 1
    (folder / "x.npy").write_bytes(bytes(data))


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "manifest.json"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (flip_byte, "x.npy has been changed"),
        (lambda f: (f / "y.npy").unlink(), "y.npy is missing"),
        (lambda f: (f / "z").write_text("z"), "z is not in the manifest"),
        (lambda f: (f / "manifest.json").unlink(), "never finished"),
        (lambda f: (f / "manifest.json").write_text('{"name": "x", "sead": 1}'), "sead"),
        (lambda f: edit(f, "cat", "cow"), "manifest.json has been changed"),
        (lambda f: edit(f, '"seed": 0', '"seed":  0'), "manifest.json has been changed"),
        (lambda f: edit(f, '"digest": "', '"digest": "0'), "manifest.json has been changed"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: object, word: str) -> None:
    write(tmp_path / "d")
    verify_folder(tmp_path / "d")
    damage(tmp_path / "d")  # type: ignore[operator]  # a list of callables of several kinds
    with pytest.raises(IntegrityError, match=word):
        verify_folder(tmp_path / "d")


def test_a_signature_at_the_top_is_no_file_of_the_folder(tmp_path: Path) -> None:
    before = write(tmp_path / "d").manifest
    (tmp_path / "d" / "signature.json").write_text("{}")
    assert verify_folder(tmp_path / "d") == before
    assert file_entries(tmp_path / "d") == before.files
    assert commit(tmp_path / "d", before) == before
    (tmp_path / "d" / "signature.json").rename(tmp_path / "d" / "signature.json2")
    with pytest.raises(IntegrityError, match=r"signature\.json2 is not in the manifest"):
        verify_folder(tmp_path / "d")


def test_a_signature_anywhere_else_is_a_file_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "d")
    (tmp_path / "d" / "sub").mkdir()
    (tmp_path / "d" / "sub" / "signature.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"sub/signature\.json is not in the manifest"):
        verify_folder(tmp_path / "d")


def test_arrays_that_do_not_fit_the_manifest_are_not_handed_out(tmp_path: Path) -> None:
    """A manifest that is whole, and says of its arrays what they are not."""
    dataset = write(tmp_path / "d")
    file = dataset.path / "manifest.json"
    file.write_bytes(changed(file.read_bytes(), shape=(9, 4, 4, 3)))
    with pytest.raises(IntegrityError, match=r"x\.npy does not fit its manifest"):
        _ = opened(dataset.path).x


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    before = write(tmp_path / "d").manifest.digest
    with pytest.raises(RuntimeError), committing(tmp_path / "d") as scratch:
        (scratch / "half").write_text("half")
        raise RuntimeError
    assert verify_folder(tmp_path / "d").digest == before
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_new_folder_replaces_the_old_one(tmp_path: Path) -> None:
    write(tmp_path / "d", rows=3)
    write(tmp_path / "d", rows=6)
    assert len(opened(tmp_path / "d")) == 6
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_folder_that_cannot_be_renamed_away_is_filled_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's output folder may be a mount point: it can be neither removed nor renamed onto."""
    (tmp_path / "d").mkdir()

    def busy(_: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    write(tmp_path / "d")
    verify_folder(tmp_path / "d")


def test_a_kill_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from boomerang.manifest import committing
with committing(Path({str(tmp_path / "d")!r})) as scratch:
    (scratch / "x.npy").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "d").exists()
    write(tmp_path / "d")
    verify_folder(tmp_path / "d")
    assert [p.name for p in tmp_path.iterdir()] == ["d"], "the leftovers of a killed writer are cleared"


def test_the_manifest_is_readable(tmp_path: Path) -> None:
    write(tmp_path / "d")
    content = json.loads((tmp_path / "d" / "manifest.json").read_text())
    size = (tmp_path / "d" / "x.npy").stat().st_size
    assert content["classes"] == ["cat", "dog"] and content["files"]["x.npy"]["bytes"] == size
