"""One file decoded: what comes out of it, and that a large one is not decoded whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import hostile
from PIL import Image

from boomerang.digest import sha256_file
from boomerang.safeio import WHITE
from processing.pictures.decoding import Refused, Taken, none_left, take_all
from processing.pictures.padded import Settings, padded_image

SETTINGS = Settings((32, 32), WHITE, "lanczos", "png")


def take(path: Path) -> Taken | Refused:
    (result,) = take_all([path], path.parent, SETTINGS, 1)
    return result


def test_a_large_jpeg_is_close_to_its_full_decode(tmp_path: Path) -> None:
    large = hostile.picture(2400, 1600)
    large.save(tmp_path / "large.jpeg", quality=92)
    made = take(tmp_path / "large.jpeg")
    assert isinstance(made, Taken)
    with Image.open(tmp_path / "large.jpeg") as stored:
        full = padded_image(stored.convert("RGB"), (32, 32)).astype(int)
    assert np.abs(made.pixels - full).max() <= 3


def test_a_taken_file_says_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (9, 5)).save(path)
    made = take(path)
    assert isinstance(made, Taken) and made.pixels.shape == (32, 32, 3)
    source = made.source
    assert (source.name, source.sha256) == ("a.png", sha256_file(path))
    assert (source.format, source.mode, source.width_px, source.height_px) == ("PNG", "RGBA", 9, 5)


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_the_order_of_the_files(tmp_path: Path, jobs: int) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(9)]
    for path in paths:
        path.write_bytes(b"" if path.name == "4.png" else hostile.encoded(hostile.picture(9, 7), "PNG"))
    results = list(take_all(paths, tmp_path, SETTINGS, jobs))
    assert [isinstance(result, Refused) for result in results] == [path.name == "4.png" for path in paths]


def test_the_error_shows_some_reasons_and_counts_the_rest(tmp_path: Path) -> None:
    message = str(none_left(tmp_path, [Refused(f"{n}.png", "it is empty") for n in range(8)]))
    assert "4.png: it is empty" in message and "5.png" not in message and "and 3 more" in message
