"""Every hostile file is refused with its reason, and every awkward but sound one is read right."""

from __future__ import annotations

import json
import os
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from boomerang import safeio
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, IntegrityError


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refusal(read: Callable[..., Any], path: Path, *args: Any, **options: Any) -> str:
    """Return why `read` refuses the file; it names the file and says what to do."""
    with pytest.raises(BadInput) as caught:
        read(path, *args, **options)
    assert path.name in caught.value.what
    assert caught.value.do
    return caught.value.why


def decoded(data: bytes, **options: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = safeio.decode_picture(data, "picture", **options).image
    assert image.mode == "RGB"
    return np.asarray(image)


# --- any file -----------------------------------------------------------------------------------

READERS = [safeio.open_image, safeio.load_npy, safeio.load_npz, safeio.load_json, safeio.load_toml]


@pytest.mark.parametrize("read", [*READERS, safeio.load_keras_model], ids=lambda read: read.__name__)
class TestNoRegularFile:
    def test_missing(self, read: Callable[..., Any], tmp_path: Path) -> None:
        assert "No such file" in refusal(read, tmp_path / "missing")

    def test_folder(self, read: Callable[..., Any], tmp_path: Path) -> None:
        assert refusal(read, tmp_path) == "it is a folder"

    def test_empty(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("empty", b"")) == "it is empty"

    def test_pipe_does_not_hang(self, read: Callable[..., Any], tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "pipe" in refusal(read, tmp_path / "pipe")

    def test_device(self, read: Callable[..., Any]) -> None:
        assert "device" in refusal(read, Path("/dev/zero"))

    def test_a_terabyte_is_refused_by_its_size(self, read: Callable[..., Any], tmp_path: Path) -> None:
        path = hostile.huge_sparse(tmp_path / "huge")
        assert "1,099,511,627,776 bytes, the limit is" in refusal(read, path)

    def test_noise(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("noise", hostile.noise(5000)))

    def test_pickle(self, read: Callable[..., Any], put: Callable[[str, bytes], Path]) -> None:
        assert refusal(read, put("pickle", hostile.pickled()))

    def test_name_with_control_characters_is_escaped(self, read: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(BadInput) as caught:
            read(tmp_path / "a\x1b[31m")
        assert "\x1b" not in str(caught.value)


def test_a_name_with_nul_is_refused() -> None:
    with pytest.raises(BadInput, match="null byte"):
        safeio.read_bytes(Path("a\0b"), 10)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "", ".", "C:\\x", "\\x", "a\\..\\x", "a\0b"]
)
def test_safe_join_refuses(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the name"):
        safeio.safe_join(tmp_path, name)


def test_safe_join_follows_links(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="through a link"):
        safeio.safe_join(tmp_path / "root", "out/x")
    (tmp_path / "root" / "loop").symlink_to("loop")
    assert safeio.safe_join(tmp_path / "root", "loop")
    assert safeio.safe_join(tmp_path / "root", "a/b.txt") == tmp_path / "root" / "a" / "b.txt"


@given(st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_safe_join_stays_inside(name: str) -> None:
    root = Path("/tmp/root")
    try:
        joined = safeio.safe_join(root, name)
    except BadInput:
        return
    assert root in joined.resolve().parents


# --- pictures: refused --------------------------------------------------------------------------


@pytest.mark.parametrize("what", hostile.renamed())
def test_foreign_format_under_a_picture_suffix(what: str, put: Callable[[str, bytes], Path]) -> None:
    assert what in refusal(safeio.open_image, put("nice.png", hostile.renamed()[what]))


@pytest.mark.parametrize(
    "build", [hostile.png_bomb, hostile.png_claim, hostile.webp_claim], ids=lambda build: build.__name__
)
def test_bombs_are_refused_before_they_are_decoded(
    build: Callable[[], bytes], put: Callable[[str, bytes], Path]
) -> None:
    path = put("bomb.png", build())
    begun = time.process_time()
    assert "pixels, the limit is 64,000,000" in refusal(safeio.open_image, path)
    assert time.process_time() - begun < 0.5


def test_the_pixel_cap_is_the_callers(put: Callable[[str, bytes], Path]) -> None:
    path = put("a.png", hostile.encoded(hostile.picture(60, 40)))
    assert "60 x 40 = 2,400" in refusal(safeio.open_image, path, max_pixels=2399)
    assert safeio.open_image(path, max_pixels=2400).size == (60, 40)


def test_long_thin_picture_is_refused_by_its_side(put: Callable[[str, bytes], Path]) -> None:
    data = hostile.png(70_000, 1, 8, 0, zlib.compress(bytes(70_001)))
    assert "65,535 a side" in refusal(safeio.open_image, put("thin.png", data))


def test_text_chunk_bomb(put: Callable[[str, bytes], Path]) -> None:
    path = put("text.png", hostile.png_text_bomb())
    assert "damaged" in refusal(safeio.open_image, path)


def test_jpeg_of_many_scans(put: Callable[[str, bytes], Path]) -> None:
    assert "scans" in refusal(safeio.open_image, put("scans.jpeg", hostile.jpeg_of_many_scans()))


def test_progressive_jpeg_with_bytes_after_its_end_is_read() -> None:
    # Phones append a film to a photograph; bytes in it that look like a scan's marker do not count.
    data = hostile.encoded(hostile.picture(), "JPEG", progressive=True)
    assert (decoded(data + b"\xff\xda\x00\x02" * 500) == decoded(data)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_truncated(kind: str, share: float, put: Callable[[str, bytes], Path]) -> None:
    data = hostile.encoded(hostile.picture(200, 200), kind)
    path = put("cut", data[: max(12, int(len(data) * share))])
    assert "cut off" in refusal(safeio.open_image, path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_is_a_refusal_or_a_picture(kind: str, at: int, bytes_: bytes) -> None:
    data = bytearray(hostile.encoded(hostile.picture(24, 16), kind))
    at %= len(data)
    data[at : at + len(bytes_)] = bytes_
    try:
        picture = safeio.decode_picture(bytes(data), "damaged", max_pixels=10_000)
    except BadInput as error:
        assert " at 0x" not in error.why  # the same damage always reads the same
    else:
        assert picture.image.mode == "RGB"


# --- pictures: read right -----------------------------------------------------------------------


def test_suffix_does_not_matter(put: Callable[[str, bytes], Path]) -> None:
    image = hostile.picture()
    path = put("really-a.gif", hostile.encoded(image, "PNG"))
    assert (np.asarray(safeio.open_image(path)) == np.asarray(image)).all()


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied(turn: int, kind: str) -> None:
    stored = Image.fromarray(
        np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40, np.ones((16, 16), np.uint8))
    )
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"lossless": True} if kind == "WEBP" else {}
    upright = decoded(hostile.encoded(stored.convert("RGB"), kind, exif=exif, **options))
    cells = upright[8::16, 8::16, 0] // 38
    grid = np.arange(6).reshape(2, 3)
    expected = {1: grid, 2: grid[:, ::-1], 3: grid[::-1, ::-1], 4: grid[::-1], 5: grid.T}
    expected |= {6: np.rot90(grid, -1), 7: grid[::-1, ::-1].T, 8: np.rot90(grid)}
    assert (cells == expected[turn]).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_bad_exif_does_not_cost_the_picture() -> None:
    assert decoded(hostile.jpeg_with_bad_exif()).shape == (40, 60, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_show_the_background(mode: str) -> None:
    image = Image.new("RGBA", (2, 1), (200, 200, 200, 255))
    image.putpixel((0, 0), (1, 2, 3, 0))
    data = hostile.encoded(image.convert(mode))
    assert decoded(data, background=(10, 20, 30))[0].tolist() == [[10, 20, 30], [200, 200, 200]]


def test_half_transparent_is_mixed() -> None:
    data = hostile.encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))
    assert decoded(data)[0, 0].tolist() == [127, 127, 127]


def test_palette_with_transparency_list_and_webp_alpha() -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    data = hostile.encoded(palette, transparency=bytes([255, 0, 255]))
    assert decoded(data)[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    webp = hostile.encoded(Image.new("RGBA", (1, 1), (9, 9, 9, 0)), "WEBP", lossless=True)
    assert decoded(webp)[0, 0].tolist() == [255, 255, 255]


def test_color_key_transparency() -> None:
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (4, 5, 6))
    assert decoded(hostile.encoded(image, transparency=(1, 2, 3)))[0].tolist() == [[255] * 3, [4, 5, 6]]


def test_16_bit_gray_is_scaled_and_its_key_is_transparent() -> None:
    data = hostile.png_gray16_keyed([0, 128, 129, 32_768, 65_535, 777], key=777)
    assert decoded(data, background=(5, 6, 7))[0].tolist() == [
        [0] * 3,
        [0] * 3,
        [1] * 3,
        [128] * 3,
        [255] * 3,
        [5, 6, 7],
    ]


@pytest.mark.parametrize(("mode", "white"), [("1", 1), ("L", 255), ("CMYK", (0, 0, 0, 0))])
def test_other_modes(mode: str, white: Any) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = safeio.decode_picture(hostile.encoded(Image.new(mode, (16, 8), white), kind), "x")
    assert (np.asarray(picture.image) == 255).all()
    assert (picture.mode, picture.width_px, picture.height_px, picture.format) == (mode, 16, 8, kind)


def test_cmyk_colors() -> None:
    data = hostile.encoded(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG", quality=100)
    assert np.abs(decoded(data)[8, 8].astype(int) - [0, 255, 255]).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = hostile.encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decoded(data)[4, 4].tolist() == [255, 0, 0]


def test_large_jpeg_is_decoded_at_reduced_scale_and_stays_close() -> None:
    data = hostile.encoded(hostile.picture(1600, 1200), "JPEG", quality=95)
    reduced = safeio.decode_picture(data, "x", shrink_to_px=200)
    assert reduced.image.size == (200, 150)
    assert (reduced.width_px, reduced.height_px) == (1600, 1200)
    small = hostile.picture(1600, 1200).resize((200, 150), Image.Resampling.BOX)
    assert np.abs(np.asarray(reduced.image).astype(int) - np.asarray(small)).max() <= 4


@pytest.mark.parametrize(("wanted", "width"), [(1600, 1600), (801, 1600), (800, 800), (399, 400), (1, 200)])
def test_reduced_scale_keeps_the_wanted_size(wanted: int, width: int) -> None:
    data = hostile.encoded(hostile.picture(1600, 40), "JPEG")
    assert safeio.decode_picture(data, "x", shrink_to_px=wanted).image.width == width


# --- arrays -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile.npy_pickle(), "pickle"),
        (hostile.npy_claiming("(10000000000000,)"), "claims 10,000,000,000,000 bytes of data, it has 8"),
        (hostile.npy_claiming("(1000000, 1000000, 0)"), "claims 0 bytes of data, it has 8"),
        (hostile.npy_claiming(f"({10**40},)"), "claims the shape"),
        (hostile.npy_claiming("(-8,)"), "no tuple of sizes"),
        (hostile.npy_claiming("(True,)"), "no tuple of sizes"),
        (hostile.npy_claiming("[8]"), "no tuple of sizes"),
        (hostile.npy_claiming("(8,)", "[('a', '|u1')]"), "records"),
        (hostile.npy_claiming("(8,)", "'zebra'"), "unknown"),
        (hostile.npy_claiming("(8,)", "'|S1'"), "dtype is |S1"),
        (hostile.npy_claiming("(8,)", "'|V0'"), "dtype is"),
        (hostile.npy_claiming("(" + "1," * 9 + ")", data=b"1"), "9 dimensions"),
        (hostile.npy_header("(" * 5000), "cannot be read"),
        (hostile.npy_header("{" + "'a':" * 900), "cannot be read"),
        (hostile.npy_header("__import__('os').abort()"), "cannot be read"),
        (hostile.npy_header("{'descr': '|u1'}"), "not numpy's"),
        (hostile.npy_header(" " * 20_000), "claims 20,000 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "claims 4,294,967,295 bytes"),
        (b"\x93NUMPY\x03\x00\x00\x00\x00\x00", "version"),
        (hostile.npy(np.arange(100))[:-1], "claims 800 bytes of data, it has 799"),
        (hostile.npy(np.arange(100)) + b"payload", "claims 800 bytes of data, it has 807"),
        (hostile.npy(np.arange(100))[:9], "cannot be read"),
        (b"\x93NUMPY", "version"),
    ],
)
def test_npy_refused(data: bytes, why: str, put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npy", data)
    for mmap in (False, True):
        assert why in refusal(safeio.load_npy, path, mmap=mmap)
    assert hostile.MARK not in os.environ


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 32, 32, 3), np.uint8),
        np.array(7, np.int64),
        np.arange(5, dtype=">i4"),
        np.array([True, False]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_npy_round_trip(array: Any, mmap: bool, put: Callable[[str, bytes], Path]) -> None:
    loaded = safeio.load_npy(put("x.npy", hostile.npy(array)), mmap=mmap)
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert (loaded == array).all()


def test_npy_limits_are_the_callers(put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npy", hostile.npy(np.zeros((2, 2))))
    assert "2 dimensions, expected 1" in refusal(safeio.load_npy, path, ndim=1)
    assert "float64, expected unsigned int" in refusal(safeio.load_npy, path, kinds="u")
    assert "the limit is 100" in refusal(safeio.load_npy, path, max_bytes=100)


def test_npz_bomb_is_not_unpacked(put: Callable[[str, bytes], Path]) -> None:
    path = put("bomb.npz", hostile.npz_bomb())
    begun = time.process_time()
    assert "zip bomb" in refusal(safeio.load_npz, path)
    assert time.process_time() - begun < 0.5


_GOOD = hostile.npy(np.arange(3))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile.zipped([("x.npy", hostile.npy_pickle())]), "member 'x.npy': it holds Python objects"),
        (hostile.zipped([("x.npy", b"text")]), "not a numpy array"),
        (hostile.zipped([("x.npy", _GOOD), ("x.npy", _GOOD)]), "two members of one name"),
        (hostile.zipped([("../x.npy", _GOOD)]), "climbs out"),
        (hostile.zipped([(f"{i}.npy", _GOOD) for i in range(65)]), "65 members, the limit is 64"),
        (hostile.zipped([]), "empty"),
        (hostile.zipped([("x.npy", _GOOD)])[:-30], "damaged"),
        (hostile.npz_lying(), "CRC"),
        (hostile.npz_encrypted(), "encrypted"),
    ],
)
def test_npz_refused(data: bytes, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_npz, put("x.npz", data))


def test_npz_damaged_data_is_found(put: Callable[[str, bytes], Path]) -> None:
    data = bytearray(hostile.zipped([("x.npy", hostile.npy(np.arange(1000)))], zipfile.ZIP_STORED))
    data[5000] ^= 255
    assert "CRC" in refusal(safeio.load_npz, put("x.npz", bytes(data)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_round_trip(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "x.npz", x=np.arange(12).reshape(3, 4), y=np.array([1.5]))
    loaded = safeio.load_npz(tmp_path / "x.npz")
    assert sorted(loaded) == ["x", "y"]
    assert (loaded["x"] == np.arange(12).reshape(3, 4)).all()
    loaded["x"][0, 0] = 9  # the caller owns it


def test_npz_names_that_differ_in_case_are_two(put: Callable[[str, bytes], Path]) -> None:
    path = put("x.npz", hostile.zipped([("w.npy", _GOOD), ("W.npy", _GOOD)]))
    assert sorted(safeio.load_npz(path)) == ["W", "w"]


def test_npz_total_cap(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(1000, np.uint8), b=np.zeros(1000, np.uint8))
    assert "the limit is" in refusal(safeio.load_npz, tmp_path / "x.npz", max_bytes=2000)


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ("[NaN]", "not finite"),
        ('{"a": [-Infinity]}', "not finite"),
        ("[1e999]", "not finite"),
        ("[" * 100_000 + "]" * 100_000, "not JSON"),
        ("[" * 70 + "]" * 70, "deeper than 64"),
        ('{"a":' * 70 + "1" + "}" * 70, "deeper than 64"),
        ("9" * 5000, "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1} {"b": 2}', "not JSON"),
    ],
)
def test_json_refused(text: str, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_json, put("x.json", text.encode()))


def test_json_not_utf8_and_size(put: Callable[[str, bytes], Path]) -> None:
    assert "not UTF-8 text (byte 2)" in refusal(safeio.load_json, put("x.json", b'["\xff"]'))
    assert "the limit is 10" in refusal(safeio.load_json, put("y.json", b"[1,2,3,4,5,6]"), 10)


def test_json_allows_nan_when_told(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_json(put("x.json", b"[Infinity]"), allow_nan=True) == [float("inf")]


def test_json_with_byte_order_mark(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_json(put("x.json", b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = 1\na = 2\n", "not TOML"),
        ("a = nan\n", "not finite"),
        ("a = " + "[" * 70 + "]" * 70, "deeper than 64"),
        ("a = " + "[" * 50_000, "not TOML"),
        ("a = \n", "not TOML"),
    ],
)
def test_toml_refused(text: str, why: str, put: Callable[[str, bytes], Path]) -> None:
    assert why in refusal(safeio.load_toml, put("x.toml", text.encode()))


def test_toml_is_read(put: Callable[[str, bytes], Path]) -> None:
    assert safeio.load_toml(put("x.toml", b"[data]\nsource = 'mnist'\n")) == {"data": {"source": "mnist"}}


# --- archives -----------------------------------------------------------------------------------


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


# --- models -------------------------------------------------------------------------------------


def test_model_digest_is_checked_before_anything_else(put: Callable[[str, bytes], Path]) -> None:
    path = put("m.keras", hostile.npz_bomb(1))
    with pytest.raises(IntegrityError, match="not the model it should be"):
        safeio.load_keras_model(path, "0" * 64)


def test_model_bomb_and_foreign_zip(put: Callable[[str, bytes], Path]) -> None:
    assert "zip bomb" in refusal(safeio.load_keras_model, put("b.keras", hostile.npz_bomb()))
    assert "not a Keras model" in refusal(
        safeio.load_keras_model, put("z.keras", hostile.zipped([("a", b"b")]))
    )


@pytest.fixture(scope="module")
def keras() -> Any:
    return pytest.importorskip("keras", reason="needs Keras with TensorFlow")


@pytest.mark.filterwarnings("ignore")
class TestKeras:
    def test_model_is_loaded_with_its_digest(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
        model = safeio.load_keras_model(path, sha256_file(path))
        assert model.count_params() == 3

    def test_model_with_code_of_its_own_is_refused(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(path)
        assert "Keras does not take it" in refusal(safeio.load_keras_model, path)

    def test_model_naming_a_foreign_class_is_refused(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
        with zipfile.ZipFile(path) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
        config = json.loads(dict(members)["config.json"])
        config["module"], config["class_name"] = "subprocess", "Popen"
        changed = [(n, json.dumps(config).encode() if n == "config.json" else d) for n, d in members]
        path.write_bytes(hostile.zipped(changed))
        assert "Keras does not take it" in refusal(safeio.load_keras_model, path)


# --- writing ------------------------------------------------------------------------------------


def test_atomic_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    safeio.write_json_atomic(path, {"b": 1, "a": "ä"})
    safeio.write_json_atomic(path, {"b": 2, "a": "ä"})
    assert path.read_text("utf-8") == '{\n "a": "ä",\n "b": 2\n}\n'
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_atomic_write_keeps_the_old_file_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    safeio.write_bytes_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        safeio.write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_json_atomic_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        safeio.write_json_atomic(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())
