"""Gray is the gray of Pillow."""

from __future__ import annotations

import numpy as np
from PIL import Image

from processing.pictures.gray import luma


def test_every_color_becomes_what_pillow_makes_of_it_to_the_bit() -> None:
    some = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    ends = np.stack(np.meshgrid(*[[0, 1, 127, 128, 254, 255]] * 3), -1).reshape(1, -1, 3).astype(np.uint8)
    for rgb in (some, ends):
        gray = luma(rgb)
        assert gray.dtype == np.uint8 and gray.shape == (*rgb.shape[:2], 1)
        assert np.array_equal(gray[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))
