"""Every hostile picture is refused with its reason, and every awkward but sound one is read right."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import hostile
from helpers.hostile import refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from boomerang import safeio
from boomerang.errors import BadInput


def decoded(data: bytes, **options: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = safeio.decode_picture(data, "picture", **options).image
    assert image.mode == "RGB"
    return np.asarray(image)


# --- refused --------------------------------------------------------------------------------------


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
    assert "pixels, the limit is " in refusal(safeio.open_image, path)
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
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM"]),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=8),
)
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


# --- read right -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("keyed", [True, False])
def test_strips_are_seamless(keyed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clear = np.random.default_rng(0).integers(0, 256, (40, 9, 4), np.uint8)
    rows = b"".join(b"\0" + bytes([row, 1, 5, row]) for row in range(40))
    key = [(b"tRNS", b"\x05\x05")] if keyed else []
    gray = hostile.png(2, 40, 16, 0, zlib.compress(rows), *key)
    files = [hostile.encoded(Image.fromarray(clear)), gray]
    whole = [decoded(data, background=(9, 8, 7)) for data in files]
    assert (whole[1][5, 1] == ([9, 8, 7] if keyed else [5, 5, 5])).all()
    monkeypatch.setattr("boomerang.safeio.images._STRIP_ROWS", 7)
    assert all((decoded(d, background=(9, 8, 7)) == w).all() for d, w in zip(files, whole, strict=True))


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


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_without_a_background_the_transparency_is_kept(kind: str, put: Callable[[str, bytes], Path]) -> None:
    rgba = np.random.default_rng(0).integers(1, 256, (4, 6, 4), dtype=np.uint8)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    path = put("picture", hostile.encoded(Image.fromarray(rgba), kind, **options))
    assert np.array_equal(np.asarray(safeio.open_image(path, background=None)), rgba)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16", "CMYK"])
def test_without_a_background_an_opaque_picture_is_opaque_rgba(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    data = hostile.encoded(Image.new(mode, (8, 8)), kind)
    image = safeio.decode_picture(data, "x", background=None).image
    assert image.mode == "RGBA"
    assert (np.asarray(image)[..., :3] == decoded(data)).all()
    assert (np.asarray(image)[..., 3] == 255).all()


def test_without_a_background_declared_colors_are_transparent_and_the_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by half
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    keyed = hostile.encoded(palette, transparency=0, exif=exif)
    image = safeio.decode_picture(keyed, "x", background=None).image
    assert np.asarray(image)[0].tolist() == [[0, 255, 0, 255], [255, 0, 0, 0]]
    gray = hostile.png_gray16_keyed([32_768, 777], key=777)
    image = safeio.decode_picture(gray, "x", background=None).image
    assert np.asarray(image)[0].tolist() == [[128, 128, 128, 255], [3, 3, 3, 0]]


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


# --- formats of laboratories and published sets -----------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *product(("TIFF", "BMP"), ("1", "L", "P", "RGB")),
        *product(("PPM",), ("1", "L", "RGB")),
        *product(("GIF",), ("1", "L", "P")),
    ],
)
def test_other_formats_hold_the_same_pixels(kind: str, mode: str) -> None:
    image = hostile.picture(24, 16).convert(mode)
    picture = safeio.decode_picture(hostile.encoded(image, kind), "x")
    assert picture.format == kind and not picture.several
    assert (np.asarray(picture.image) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("how", ["tiff_lzw", "tiff_deflate", "packbits", "group4"])
def test_a_compressed_tiff_is_read(how: str) -> None:
    image = hostile.picture(24, 16).convert("1" if how == "group4" else "RGB")
    made = decoded(hostile.encoded(image, "TIFF", compression=how))
    assert (made == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        (b"P1 # a comment\n2 1\n# another\n0 1\n", [255, 0]),
        (b"P2\n2 1\n#c\n100\n0 #d\n100\n", [0, 255]),
        (b"P5\n2 1\n65535\n\x00\x00\xff\xff", [0, 255]),
        (b"P5 2 1 15\n\x00\x0f", [0, 255]),
    ],
)
def test_gray_and_bitmaps_of_netpbm(text: bytes, pixels: list[int]) -> None:
    assert decoded(text)[0, :, 0].tolist() == pixels


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_tiff_is_turned_upright_once(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    image = hostile.picture(24, 16)
    png, tiff = (
        safeio.decode_picture(hostile.encoded(image, kind, exif=exif), "x") for kind in ("PNG", "TIFF")
    )
    assert (np.asarray(tiff.image) == np.asarray(png.image)).all()
    assert tiff.upright_px == png.upright_px == tiff.image.size


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_further_frames_and_pages_are_said(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = hostile.encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = safeio.decode_picture(data, "x")
    assert picture.several and picture.image.getpixel((0, 0)) == (255, 0, 0)


def test_a_comment_of_a_gif_costs_nothing() -> None:
    begun = time.process_time()
    assert decoded(hostile.gif_of_comment(16)).shape == (8, 8, 3)
    assert time.process_time() - begun < 1


def test_a_gif_keeps_what_is_clear_in_its_first_frame() -> None:
    image = Image.new("RGBA", (2, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    made = decoded(hostile.encoded(image, "GIF", comment=b"hello"), background=(1, 2, 3))
    assert made[0].tolist() == [[200, 0, 0], [1, 2, 3]]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_a_tiff_of_32_bits_is_refused_rather_than_clipped(
    mode: str, put: Callable[[str, bytes], Path]
) -> None:
    data = hostile.encoded(Image.new(mode, (8, 8), 1000), "TIFF")
    assert f"of the kind '{mode}'" in refusal(safeio.open_image, put("x.tiff", data))


def test_a_file_is_told_by_its_first_bytes(put: Callable[[str, bytes], Path]) -> None:
    sound = hostile.encoded(hostile.picture())
    assert safeio.why_no_picture(put("a", sound)) == safeio.why_no_picture(put("b", sound[:70])) == ""
    assert "HEIC" in safeio.why_no_picture(put("c.jpg", hostile.renamed()["HEIC"]))
    assert safeio.why_no_picture(put("d.jpg", b"")) == "it is empty"
