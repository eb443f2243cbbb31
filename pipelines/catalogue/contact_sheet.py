"""Images before and after an attack and the difference between them, as one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from boomerang.manifest import Images
from pipelines.catalogue.sample import Sample, Shown
from processing.attacks.common.pool import largest_change

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

_SIDE_PX, _GAP_PX, _TEXT_PX, _WORDS_PX = 128, 12, 14, 240
_HEAD_PX = 3 * _TEXT_PX + 2 * _GAP_PX
_BACK, _INK, _SOFT = (255, 255, 255), (20, 20, 20), (120, 120, 120)


def draw(sample: Sample) -> bytes:
    """Return the PNG: a row an image, before, after, and the difference, enlarged so that it shows."""
    from PIL import Image, ImageDraw

    times = magnified(sample.rows)
    width = 3 * (_SIDE_PX + _GAP_PX) + _GAP_PX + _WORDS_PX
    sheet = Image.new("RGB", (width, _HEAD_PX + len(sample.rows) * (_SIDE_PX + _GAP_PX)), _BACK)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (_GAP_PX, _GAP_PX), sample.title)
    heads = ("before", "after", f"difference x {times}")
    for column, head in enumerate(heads):
        _write(pen, (_left(column), _HEAD_PX - _TEXT_PX - _GAP_PX // 2), head, soft=True)
    for number, shown in enumerate(sample.rows):
        top = _HEAD_PX + number * (_SIDE_PX + _GAP_PX)
        for column, image in enumerate(_cells(shown, times)):
            if image is not None:
                sheet.paste(_enlarged(image), (_left(column), top))
        if shown.before is None:
            _write(pen, (_GAP_PX, top + _SIDE_PX // 2), "from outside", soft=True)
        _write(pen, (_left(3), top + _SIDE_PX // 2 - _TEXT_PX // 2), shown.words)
    png = io.BytesIO()
    sheet.save(png, "PNG")
    return png.getvalue()


def magnified(rows: Sequence[Shown]) -> int:
    """Return how many times as large the differences are shown: the largest of all becomes white, at most."""
    pairs = [(shown.before, shown.after) for shown in rows if shown.before is not None]
    largest = max((int(largest_change(a[None], b[None])[0]) for a, b in pairs), default=0)
    return 255 // largest if largest else 1


def _cells(shown: Shown, times: int) -> tuple[Images | None, Images, Images | None]:
    if shown.before is None:
        return None, shown.after, None
    gap = np.abs(shown.after.astype(np.int16) - shown.before) * times
    return shown.before, shown.after, gap.astype(np.uint8)


def _left(column: int) -> int:
    return _GAP_PX + column * (_SIDE_PX + _GAP_PX)


def _enlarged(image: Images) -> Picture:
    from PIL import Image

    color = np.broadcast_to(image, (*image.shape[:2], 3))
    size = (_SIDE_PX, _SIDE_PX)
    return Image.fromarray(np.ascontiguousarray(color)).resize(size, Image.Resampling.NEAREST)


def _write(pen: ImageDraw, place: tuple[int, int], text: str, *, soft: bool = False) -> None:
    from PIL import ImageFont

    pen.text(place, text, _SOFT if soft else _INK, ImageFont.load_default(_TEXT_PX))
