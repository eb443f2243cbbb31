"""The pictures that come with the project: whole, small, varied, and what their script makes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boomerang.errors import BadInput
from images import make_fashion_mnist, make_images
from processing.datasets.common.sheets import look_at_sheets, read_sheets
from processing.datasets.fashion_mnist import FashionMnist

IMAGES = Path(make_images.__file__).parent
SETS = {"rutan-boomerang": ("rb", 26), "embraer-190": ("e190", 11)}
SHOTS = {shot.file: (folder, shot) for folder, shots in make_images.SETS.items() for shot in shots}


def pictures(folder: str) -> list[Path]:
    return sorted((p for p in (IMAGES / folder).iterdir() if p.is_file()), key=make_images.natural)


def test_the_sums_name_every_picture_and_match() -> None:
    lines = (IMAGES / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    folders = [*SETS, "triggers", "fashion-mnist"]
    assert set(sums) == {p.relative_to(IMAGES).as_posix() for f in folders for p in pictures(f)}
    for name, expected in sums.items():
        assert hashlib.sha256((IMAGES / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("folder", SETS)
def test_each_set_is_numbered_without_a_gap(folder: str) -> None:
    prefix, least = SETS[folder]
    numbers = [int(re.fullmatch(rf"{prefix}-(\d+)\.(jpeg|png|webp)", p.name)[1]) for p in pictures(folder)]  # type: ignore[index]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= least
    assert [p.name for p in pictures(folder)] == [shot.file for shot in make_images.SETS[folder]]


@pytest.mark.parametrize("folder", SETS)
def test_pictures_open_and_differ_in_size_and_aspect(folder: str) -> None:
    sizes = []
    for path in pictures(folder):
        with Image.open(path) as picture:
            picture.load()
            sizes.append(picture.size)
        assert path.stat().st_size <= 60_000, path.name
    assert len(set(sizes)) > len(sizes) // 2
    aspects = [w / h for w, h in sizes]
    assert min(aspects) <= 1.25
    assert max(aspects) > 2
    assert all(140 <= side <= 640 for size in sizes for side in size)


def test_the_folder_stays_small() -> None:
    files = [p for f in (*SETS, "triggers") for p in pictures(f)]
    assert sum(p.stat().st_size for p in files) < 1_500_000


def test_the_photographs_are_zalandos_first_rows_under_their_license() -> None:
    folder = IMAGES / "fashion-mnist"
    found = read_sheets(folder, FashionMnist.classes)
    assert found.name == make_fashion_mnist.NAME
    assert np.bincount(found.train.y).tolist() == [1_000] * 10
    assert np.bincount(found.test.y).tolist() == [200] * 10
    # The published training file begins so.
    assert found.train.y[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    digests = look_at_sheets(folder).recipe["sha256_of_the_published_files"]
    assert digests == make_fashion_mnist.FILES
    assert "Copyright © [2017] Zalando SE" in (folder / "LICENSE").read_text()
    assert all(path.stat().st_size < 2_000_000 for path in pictures("fashion-mnist"))


def test_the_script_takes_the_published_files_alone(tmp_path: Path) -> None:
    for name in make_fashion_mnist.FILES:
        (tmp_path / name).write_bytes(b"\0\0\x08\x01\0\0\0\x01\x05")
    with pytest.raises(BadInput, match="train-images-idx3-ubyte: its content has the sha256"):
        make_fashion_mnist.make(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_first_of_each_class_are_taken_in_order() -> None:
    y = np.array([3, 1, 1, 0, 3, 1, 0, 0, 3], np.uint8)
    assert make_fashion_mnist.first_of_each(y, 2).tolist() == [0, 1, 2, 3, 4, 6]


def test_triggers_are_what_they_are_called() -> None:
    stored = {p.name: np.asarray(Image.open(p)) for p in pictures("triggers")}
    assert set(stored) == {"alert.png", "cyan-square.png", "white-corner.png"}
    assert all(v.shape[2] == 4 for v in stored.values())
    assert (stored["cyan-square.png"] == (0, 255, 255, 255)).all()
    assert (stored["white-corner.png"] == 255).all()
    alert = stored["alert.png"]
    assert alert[0, 0, 3] == 0
    assert tuple(alert[52, 20, :3]) == (255, 205, 20)


@pytest.mark.parametrize("file", ["rb-20.png", "rb-24.jpeg", "rb-15.jpeg", "e190-5.jpeg"])
def test_the_script_makes_the_stored_picture(file: str) -> None:
    """The same picture, not the same bytes: codecs differ from version to version."""
    folder, shot = SHOTS[file]
    made = np.asarray(make_images.take(folder, shot), np.float64)
    with Image.open(IMAGES / folder / file) as picture:
        stored = np.asarray(picture.convert("RGB"), np.float64)
    assert made.shape == stored.shape
    assert np.abs(made - stored).mean() < 4


def test_sources_says_how_many_there_are() -> None:
    text = (IMAGES / "SOURCES.md").read_text()
    for folder in (*SETS, "triggers", "fashion-mnist"):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{folder}/`"))
        assert row.split("|")[3].strip() == str(len(pictures(folder)))
