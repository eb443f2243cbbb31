"""A tar is refused before anything of it is written, or unpacked whole."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import hostile
from helpers.hostile import refusal

from boomerang import safeio


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile.tar_of(hostile.tar_file("../out.txt")), "climbs out"),
        (hostile.tar_of(hostile.tar_file("a/../../out.txt")), "climbs out"),
        (hostile.tar_of(hostile.tar_file("/etc/cron.d/job")), "absolute"),
        (hostile.tar_of(hostile.tar_file("C:\\windows\\x")), "absolute"),
        (hostile.tar_of(hostile.tar_special("l", tarfile.SYMTYPE, "/etc/passwd")), "is a link"),
        (hostile.tar_of(hostile.tar_special("l", tarfile.SYMTYPE, "inside")), "is a link"),
        (hostile.tar_of(hostile.tar_special("l", tarfile.LNKTYPE, "../x")), "is a link"),
        (hostile.tar_of(hostile.tar_special("d", tarfile.CHRTYPE)), "is a device"),
        (hostile.tar_of(hostile.tar_special("p", tarfile.FIFOTYPE)), "is a device, pipe"),
        (hostile.tar_of(hostile.tar_file("a"), hostile.tar_file("./A")), "two members"),
        (hostile.tar_of(hostile.tar_file("a"), hostile.tar_file("a/b")), ""),
        (hostile.tar_of(*(hostile.tar_file(f"{i}") for i in range(21))), "21 members"),
        (hostile.tar_huge_member(), "10,000,000,000,000 bytes"),
        (hostile.tar_gz_bomb(), "20,971,520 bytes or more"),
        (hostile.tar_header_bomb(), "a header in it claims"),
        (hostile.tar_of(), "no file"),
        (hostile.tar_of(hostile.tar_file("a", bytes(5000)))[:3000], "damaged"),
        (hostile.tar_of(hostile.tar_file("a", hostile.noise(5000)), gzipped=True)[:3000], "damaged"),
        (hostile.noise(3000), "damaged"),
    ],
)
def test_tar_refused_and_nothing_written(
    data: bytes, why: str, put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    path = put("x.tar", data)
    limits = {"max_bytes": 10_000_000, "max_members": 20}
    assert why in refusal(safeio.extract_tar, path, tmp_path / "in" / "dest", **limits)
    assert not (tmp_path / "in" / "dest").exists()
    assert not (tmp_path / "in").exists() or not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize("gzipped", [False, True])
def test_tar_round_trip(gzipped: bool, put: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    folder = tarfile.TarInfo("sub")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    odd = hostile.tar_file("sub/set-uid", b"2")
    odd[0].mode = 0o6755
    members = ((folder, b""), hostile.tar_file("./model.keras", b"1"), odd)
    dest = tmp_path / "dest"
    dest.mkdir()
    files = safeio.extract_tar(put("x.tar", hostile.tar_of(*members, gzipped=gzipped)), dest)
    assert files == [dest / "model.keras", dest / "sub" / "set-uid"]
    assert [path.read_bytes() for path in files] == [b"1", b"2"]
    assert files[1].stat().st_mode & 0o7022 == 0


def test_tar_does_not_touch_a_folder_in_use(put: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest" / "mine").write_text("kept")
    path = put("x.tar", hostile.tar_of(hostile.tar_file("a")))
    assert "not empty" in refusal(safeio.extract_tar, path, tmp_path / "dest")
    assert [p.name for p in (tmp_path / "dest").iterdir()] == ["mine"]
