"""One picture as a small image: exact pixels, and no frame as large as the picture is long."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from boomerang.errors import UsageError
from boomerang.safeio import decode_picture
from processing.pictures import padded
from processing.pictures.padded import FILTERS, Settings, padded_image


def naive_square(image: Image.Image, size_px: int, pad: tuple[int, int, int], resample: str) -> Any:
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), pad)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(canvas.resize((size_px, size_px), FILTERS[resample]))


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    size_px=st.integers(1, 40),
    pad=st.tuples(*[st.integers(0, 255)] * 3),
    resample=st.sampled_from(sorted(FILTERS)),
    strip_rows=st.sampled_from([1, 7, 512]),
)
@settings(max_examples=150, deadline=None)
def test_same_as_resizing_the_padded_square(
    *, width: int, height: int, size_px: int, pad: tuple[int, int, int], resample: str, strip_rows: int
) -> None:
    noise = np.random.default_rng(width * 100 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(padded, "_STRIP_ROWS", strip_rows)
        made = padded_image(image, (size_px, size_px), pad=pad, resample=resample)
    assert (made == naive_square(image, size_px, pad, resample)).all()


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    times=st.integers(1, 30),
    shape=st.sampled_from([(1, 2), (2, 1), (3, 5), (7, 4), (1, 6)]),
)
@settings(max_examples=100, deadline=None)
def test_a_rectangle_is_the_padded_rectangle_resized(
    *, width: int, height: int, times: int, shape: tuple[int, int]
) -> None:
    """Held against a frame of whole pixels, which is what a picture blown up has."""
    size = (shape[0] * times, shape[1] * times)
    blown = (width * shape[1], height * shape[0])
    noise = np.random.default_rng(width).integers(0, 256, (blown[1], blown[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    unit = max(width, height)
    canvas = Image.new("RGB", (unit * shape[1], unit * shape[0]), "white")
    canvas.paste(image, ((canvas.width - blown[0]) // 2, (canvas.height - blown[1]) // 2))
    naive = np.asarray(canvas.resize((size[1], size[0]), FILTERS["lanczos"]))
    assert (padded_image(image, size) == naive).all()


@given(size_px=st.integers(8, 40), times=st.integers(1, 8), share=st.floats(0, 1), tall=st.booleans())
@settings(max_examples=80, deadline=None)
def test_padding_is_centered_and_the_aspect_is_kept(
    size_px: int, times: int, share: float, tall: bool
) -> None:
    # The box filter over a whole number of pixels measures area: black is ink, padding is paper.
    long_px = size_px * times
    short_px = max(1, round(share * long_px))
    shape = (short_px, long_px) if tall else (long_px, short_px)
    ink = 1 - padded_image(Image.new("RGB", shape), (size_px, size_px), resample="box")[..., 0] / 255
    assert ink.mean() == pytest.approx(short_px / long_px, abs=0.5 / 255)
    for axis in (0, 1):
        profile = ink.sum(axis)
        center = profile @ np.arange(size_px) / profile.sum()
        # An odd margin cannot be halved, and ink is seen to a whole output pixel.
        assert center == pytest.approx((size_px - 1) / 2, abs=0.51)


def test_a_long_thin_picture_needs_no_square_of_its_length() -> None:
    thin = padded_image(Image.new("RGB", (60_000, 1)), (32, 32))
    assert thin.shape == (32, 32, 3)


@pytest.mark.parametrize(
    "setting",
    [
        {"size": (0, 32)},
        {"size": (32, 2049)},
        {"pad": (0, 0, 256)},
        {"resample": "lanczo"},
        {"image_format": "gif"},
    ],
    ids=str,
)
def test_settings_out_of_range(setting: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(
            **{"size": (32, 32), "pad": (0, 0, 0), "resample": "lanczos", "image_format": "png", **setting}
        )


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (4001, 2999), (1920, 1080), (2055, 1541)])
def test_a_picture_of_reduced_scale_is_padded_where_it_lies_at_full_scale(size: tuple[int, int]) -> None:
    """Half a pixel of the reduced picture is four of the full one: hard edges were 10 levels off by it."""
    rng, stored = np.random.default_rng(0), BytesIO()
    pen = ImageDraw.Draw(picture := Image.new("RGB", size, "black"))
    for _ in range(100):
        left, top = rng.integers(0, size)
        pen.rectangle((left, top, left + 400, top + 400), tuple(map(int, rng.integers(0, 256, 3))))
    picture.save(stored, "JPEG", quality=95)
    small = decode_picture(stored.getvalue(), "a", shrink_to_px=384)
    assert small.scale > 1 and small.upright_px == size
    made = padded_image(small.image, (32, 32), scale=small.scale, of_px=small.upright_px).astype(int)
    full = padded_image(decode_picture(stored.getvalue(), "a").image, (32, 32))
    assert np.abs(made - full).max() <= 4
