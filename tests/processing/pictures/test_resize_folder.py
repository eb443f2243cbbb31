"""The script and its function: exact pixels, one folder in one piece, and clear refusals."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import hostile
from helpers.ranges import ROOT
from PIL import Image

import resize_images
from boomerang.digest import digest_tree, sha256_file
from boomerang.errors import BadInput, UsageError
from boomerang.manifest import verify_folder
from boomerang.safeio import PICTURE_FORMATS
from processing.pictures import picture_folder
from processing.pictures.resize_folder import resize_folder

SCRIPT = ROOT / "resize_images.py"
DATA = Path(os.environ.get("BOOMERANG_DATA", SCRIPT.parent.parent / "shared" / "data"))

# The published array is in the order of its author's directory.
PUBLISHED_ORDER = [
    6,
    20,
    15,
    18,
    4,
    5,
    12,
    19,
    11,
    16,
    8,
    2,
    21,
    7,
    24,
    14,
    23,
    3,
    13,
    25,
    17,
    26,
    1,
    9,
    10,
    22,
]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a folder of three sound pictures, a hidden file and two that cannot be used."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (10, 2, 1):
        data = hostile.encoded(hostile.picture(60, 40, seed=number), "JPEG")
        (folder / f"rb-{number}.jpeg").write_bytes(data)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "bomb.png").write_bytes(hostile.png_bomb())
    (folder / "notes.png").write_text("no picture")
    return folder


def images(out: Path) -> Any:
    return np.load(out / "images.npy", allow_pickle=False)


# --- real pictures ------------------------------------------------------------------------------


def test_reproduces_the_published_array(tmp_path: Path) -> None:
    if not DATA.is_dir():
        pytest.skip(f"needs the real pictures in {DATA} (or BOOMERANG_DATA)")
    report = resize_folder(DATA / "rutan-boomerang", tmp_path / "out")
    published = np.load(DATA / "reference" / "rutan-boomerang-images.npy")
    rows = [report.names.index(f"rb-{number}.jpeg") for number in PUBLISHED_ORDER]
    assert (images(tmp_path / "out")[rows] == published).all()
    assert report.refused == ()
    assert len(report.names) == 27


# --- the folder ---------------------------------------------------------------------------------


def test_what_a_folder_becomes(source: Path, tmp_path: Path) -> None:
    report = resize_folder(source, tmp_path / "out")
    assert report.names == ("rb-1.jpeg", "rb-2.jpeg", "rb-10.jpeg")
    assert [item.name for item in report.refused] == ["bomb.png", "notes.png"]
    made = images(tmp_path / "out")
    assert (made.shape, made.dtype) == ((3, 32, 32, 3), np.uint8)
    shown = sorted((tmp_path / "out" / "pictures").iterdir())
    assert [path.name for path in shown] == ["rb-1.png", "rb-10.png", "rb-2.png"]
    with Image.open(shown[0]) as first:
        assert (np.asarray(first) == made[0]).all()


def test_the_manifest_tells_it_all(source: Path, tmp_path: Path) -> None:
    out = resize_folder(source, tmp_path / "out", pad=(1, 2, 3)).out
    manifest = verify_folder(out)
    assert manifest.kind == "pictures"
    assert manifest.shape == (3, 32, 32, 3)
    assert manifest.files["images.npy"].sha256 == sha256_file(out / "images.npy")
    first = manifest.recipe["sources"][0]
    assert first["sha256"] == sha256_file(source / "rb-1.jpeg")
    assert (first["format"], first["mode"], first["width_px"], first["height_px"]) == ("JPEG", "RGB", 60, 40)
    assert (manifest.recipe["pad"], manifest.recipe["resample"]) == ([1, 2, 3], "lanczos")
    assert manifest.refused[1] == {"name": "notes.png", "reason": f"its content is not a {PICTURE_FORMATS}"}


def test_same_bytes_whatever_the_jobs_and_the_place(source: Path, tmp_path: Path) -> None:
    for number in range(200):
        (source / f"n{number}.png").write_bytes(hostile.encoded(hostile.picture(9, 7, seed=number)))
    moved = shutil.copytree(source, tmp_path / "elsewhere" / "photos")
    digests = {digest_tree(resize_folder(source, tmp_path / "a", jobs=1).out)}
    digests.add(digest_tree(resize_folder(source, tmp_path / "b", jobs=8).out))
    digests.add(digest_tree(resize_folder(moved, tmp_path / "c", jobs=3).out))
    assert len(digests) == 1


def test_names_that_would_collide(source: Path, tmp_path: Path) -> None:
    sound = (source / "rb-1.jpeg").read_bytes()
    for name in (
        "rb-2.webp",
        "RB-2.jpeg",
        "rb-2.jpeg.png",
        "rb-02.png",
        "x" * 250 + ".png",
        "x" * 249 + ".png",
    ):
        (source / name).write_bytes(sound)
    report = resize_folder(source, tmp_path / "out")
    shown = [path.name for path in (tmp_path / "out" / "pictures").iterdir()]
    assert len(shown) == len(report.names) == 9
    assert len({name.casefold() for name in shown}) == 9
    assert report.names[1:6] == ("RB-2.jpeg", "rb-2.jpeg", "rb-2.jpeg.png", "rb-02.png", "rb-2.webp")
    assert {"rb-2.webp.png", "rb-02.png", "rb-1.png"} <= set(shown)


def test_odd_names_are_escaped(source: Path, tmp_path: Path) -> None:
    sound = (source / "rb-1.jpeg").read_bytes()
    (source / "a\x1b[2J\n.png").write_bytes(sound)
    Path(os.fsdecode(os.fsencode(source) + b"/b\xff.png")).write_bytes(sound)
    report = resize_folder(source, tmp_path / "out")
    assert report.names[:2] == ("a\\x1b[2J\\n.png", "b\\xff.png")
    assert len(verify_folder(tmp_path / "out").digest) == 64


def test_jpeg_size_and_filter(source: Path, tmp_path: Path) -> None:
    resize_folder(source, tmp_path / "out", size_px=8, resample="nearest", image_format="jpeg")
    assert images(tmp_path / "out").shape == (3, 8, 8, 3)
    assert (tmp_path / "out" / "pictures" / "rb-1.jpeg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_transparency_takes_the_padding_color(source: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (9, 5)).save(source / "a.png")
    resize_folder(source, tmp_path / "out", pad=(10, 20, 30))
    assert (images(tmp_path / "out")[0] == (10, 20, 30)).all()


def test_links_and_subfolders(source: Path, tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes((source / "rb-1.jpeg").read_bytes())
    (source / "a.png").symlink_to(tmp_path / "private.png")
    (source / "b.png").symlink_to("rb-1.jpeg")
    (source / "c.png").symlink_to("nowhere")
    (source / "d.png").symlink_to("d.png")
    (source / "sub").mkdir()
    os.mkfifo(source / "pipe.png")
    report = resize_folder(source, tmp_path / "out")
    reasons = {item.name: item.reason for item in report.refused}
    assert "leads out" in reasons["a.png"]
    assert "b.png" in report.names
    assert "No such file" in reasons["c.png"]
    assert "Too many levels" in reasons["d.png"]
    assert "folder" in reasons["sub"]
    assert "pipe" in reasons["pipe.png"]


def test_an_unreadable_exif_warns_nobody(source: Path, tmp_path: Path) -> None:
    (source / "exif.jpeg").write_bytes(hostile.jpeg_with_bad_exif())
    assert "exif.jpeg" in resize_folder(source, tmp_path / "out").names


def test_strict_stops_at_the_first_in_order_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    for jobs in (1, 4):
        with pytest.raises(BadInput, match=r"bomb\.png"):
            resize_folder(source, tmp_path / "out", strict=True, jobs=jobs)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_progress(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    resize_folder(source, tmp_path / "out", on_done=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


# --- in one piece -------------------------------------------------------------------------------


def test_an_older_output_is_replaced(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    resize_folder(source, out)
    (source / "rb-10.jpeg").unlink()
    assert len(resize_folder(source, out).names) == 2
    verify_folder(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_failure_leaves_the_older_output(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    before = digest_tree(resize_folder(source, out).out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(picture_folder, "_write_pictures", full)
    with pytest.raises(UsageError, match="No space left"):
        resize_folder(source, out)
    assert digest_tree(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_an_empty_folder_is_filled(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    resize_folder(source, tmp_path / "out")
    verify_folder(tmp_path / "out")


def _file(path: Path) -> None:
    path.write_text("mine")


def _folder_of_mine(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def _another_kind(path: Path) -> None:
    _folder_of_mine(path)
    (path / "manifest.json").write_text('{"name": "cifar10", "kind": "dataset"}')


@pytest.mark.parametrize("make", [_file, _folder_of_mine, _another_kind], ids=lambda make: make.__name__)
def test_what_is_not_ours_is_left_alone(make: Callable[[Path], None], source: Path, tmp_path: Path) -> None:
    make(tmp_path / "out")
    before = digest_tree(tmp_path / "out")
    with pytest.raises(UsageError, match="was not made by resize_images"):
        resize_folder(source, tmp_path / "out")
    assert digest_tree(tmp_path / "out") == before


def test_an_output_with_a_file_of_the_users_is_left_alone(source: Path, tmp_path: Path) -> None:
    resize_folder(source, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="added to since"):
        resize_folder(source, tmp_path / "out")


# --- places and settings ------------------------------------------------------------------------


@pytest.mark.parametrize("out", [".", "out", "sub/out", "..", "../in"])
def test_out_must_lie_beside_in(out: str, source: Path) -> None:
    with pytest.raises(UsageError, match="one lies in the other"):
        resize_folder(source, source / out)


def test_sources_that_are_none(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_bytes(hostile.pickled())
    cases = {
        "missing": "no such folder",
        "in/rb-1.jpeg": "not a folder",
        "empty": "empty",
        "bad": "x.png: its",
    }
    for name, why in cases.items():
        with pytest.raises(BadInput, match=why):
            resize_folder(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("setting", [{"size_px": 0}, {"resample": "lanczo"}, {"jobs": 0}], ids=str)
def test_settings_out_of_range(setting: dict[str, Any], source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        resize_folder(source, tmp_path / "out", **setting)


# --- the script ---------------------------------------------------------------------------------


def test_script(source: Path, tmp_path: Path) -> None:
    # Run from elsewhere: it stands alone.
    done = run(source, tmp_path / "out", "--size", 64, "--pad", "#ff8000", "--jobs", 2, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        f"3 pictures -> {tmp_path / 'out' / 'images.npy'}\n2 refused:\n  bomb.png: it has"
    )
    assert images(tmp_path / "out")[0, 0, 0].tolist() == [255, 128, 0]


def test_script_errors_are_no_tracebacks(source: Path, tmp_path: Path) -> None:
    for arguments in [(tmp_path / "none", tmp_path / "out"), (source, tmp_path / "out", "--strict")]:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: cannot ")
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("IN", "IN"),
        ("IN", "OUT", "--size", "0"),
        ("IN", "OUT", "--pad", "whiteish"),
        ("IN", "OUT", "--pad", "#ff800080"),
        ("IN", "OUT", "--filter", "sharp"),
        ("IN", "/proc/nothing/out"),
        ("IN",),
    ],
    ids=" ".join,
)
def test_script_refuses(
    arguments: tuple[str, ...], source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"IN": str(source), "OUT": str(tmp_path / "out")}
    try:
        code: Any = resize_images.main([places.get(part, part) for part in arguments])
    except SystemExit as end:  # argparse ends the process itself
        code = end.code
    assert code == 2
    assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_script_needs_no_heavy_package() -> None:
    heavy = "{'tensorflow', 'keras', 'boto3', 'sagemaker'}"
    code = f"import resize_images, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPT.parent
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_option() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in ("IN", "OUT", "--size", "--pad", "--filter", "--format", "--strict", "--jobs", "Exit code"):
        assert option in done.stdout
