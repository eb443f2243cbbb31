"""A folder of pictures as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from boomerang.errors import BadInput
from processing.datasets.common.base import Request
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
