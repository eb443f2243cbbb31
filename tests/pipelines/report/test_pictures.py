"""Pictures stay small, and a difference shows the trigger alone."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from pipelines.report.pictures import MAX_SIDE_PX, data_uri, difference


def test_pictures_are_png_and_large_ones_are_made_smaller() -> None:
    for shape, side in (((32, 32, 3), 32), ((28, 28, 1), 28), ((400, 300, 3), MAX_SIDE_PX)):
        uri = data_uri(np.full(shape, 77, np.uint8))
        assert uri.startswith("data:image/png;base64,")
        image = Image.open(BytesIO(base64.b64decode(uri.split(",")[1])))
        assert max(image.size) == side
        assert np.all(np.asarray(image) == 77)


def test_difference_is_white_where_the_trigger_is_and_black_elsewhere() -> None:
    before = np.full((8, 8, 3), 100, np.uint8)
    after = before.copy()
    after[6:, 6:, 1] = 103
    gap = difference(after, before)
    assert gap.shape == (8, 8, 1)
    assert np.all(gap[6:, 6:] == 255) and gap.sum() == 4 * 255
    assert not difference(before, before).any()
