"""A folder of pictures as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Request
from processing.datasets.folder import Folder
from processing.sharing.tasks import alone


def write(folder: Path, color: str, count: int = 5) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (50, 30), color).save(folder / f"{i}.png")


def test_an_image_folder_is_a_class_a_subfolder(tmp_path: Path) -> None:
    for name, color in (("cat", "red"), ("dog", "blue")):
        write(tmp_path / "f" / name, color)
    (tmp_path / "f" / "dog" / "broken.png").write_bytes(b"no picture")
    found = Folder().blueprint(Request(tmp_path / "f")).build(alone)
    assert found.name == "f"
    assert found.classes == ("cat", "dog") and len(found.train) == 8 and len(found.test) == 2
    assert found.train.x.shape[1:] == (32, 32, 3)
    red = found.train.x[found.train.y == 0]
    assert red[:, 16, 16].tolist() == [[255, 0, 0]] * 4
    assert [item["name"] for item in found.refused] == ["dog/broken.png"]


def test_a_folder_that_is_split_already_stays_so(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for name, color in (("cat", "green"), ("dog", "red")):
            write(tmp_path / part / name, color, count)
    found = Folder().blueprint(Request(tmp_path)).build(alone)
    assert found.train.y.tolist() == [0, 0, 0, 1, 1, 1] and found.test.y.tolist() == [0, 0, 1, 1]


def test_one_class_is_too_few(tmp_path: Path) -> None:
    write(tmp_path / "cat", "red")
    with pytest.raises(BadInput, match="it has 1 subfolders"):
        Folder().blueprint(Request(tmp_path))


def left_out(path: Path) -> dict[str, str]:
    found = Folder().blueprint(Request(path)).build(alone)
    return {entry["name"]: entry["reason"] for entry in found.refused}


def test_what_lies_beside_the_classes_is_named(tmp_path: Path) -> None:
    for name, color in (("cat", "green"), ("dog", "brown")):
        write(tmp_path / name, color)
    assert left_out(tmp_path) == {}
    (tmp_path / "readme.txt").write_text("these are pets")
    (tmp_path / "dog" / ".hidden.png").write_bytes((tmp_path / "dog" / "0.png").read_bytes())
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    assert left_out(tmp_path) == {
        ".DS_Store": "it is hidden",
        "dog/.hidden.png": "it is hidden",
        "readme.txt": "it lies in no class' folder",
    }


def test_of_a_divided_folder_a_further_part_and_a_further_class_are_named(tmp_path: Path) -> None:
    for part in ("train", "test", "val"):
        for name, color in (("cat", "green"), ("dog", "brown")):
            write(tmp_path / part / name, color, 3)
    write(tmp_path / "test" / "moose", "brown", 3)
    (tmp_path / "train" / "notes.txt").write_text("x")
    (tmp_path / "test" / "dog" / "broken.png").write_bytes(b"no picture")
    found = left_out(tmp_path)
    assert "JPEG" in found.pop("test/dog/broken.png"), "which of the two it is of is said"
    assert found == {
        "test/moose": "train has no class of that name",
        "train/notes.txt": "it lies in no class' folder",
        "val": "it lies beside train and test, and these two are read",
    }


def test_a_train_without_a_test_is_no_class(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            write(tmp_path / part / name, "green", 1)
    with pytest.raises(BadInput, match="it has train and val, and no test"):
        Folder().blueprint(Request(tmp_path))
